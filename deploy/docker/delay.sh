#!/bin/sh
# delay INTERFACE MILLISECONDS DURATION PAUSE: over and over, everything that leaves by INTERFACE is late by
# MILLISECONDS for DURATION seconds, after PAUSE seconds without. Needs the capability NET_ADMIN, and Linux.
set -eu
interface=$1 milliseconds=$2 duration=$3 pause=$4

end() { tc qdisc del dev "$interface" root 2>/dev/null || true; exit 0; }
trap end INT TERM

while true; do
  sleep "$pause" & wait $!
  echo "$interface is late by $milliseconds ms for $duration s"
  tc qdisc replace dev "$interface" root netem delay "${milliseconds}ms"
  sleep "$duration" & wait $!
  tc qdisc del dev "$interface" root
  echo "$interface is on time"
done
