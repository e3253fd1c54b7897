// How a foreign client reports to the tests: one JSON object per line on standard output, one line per step.
//
// {"step": name, "seconds": n, "facts": {…}} for a step that went through, {"step": name, "error": text} for one
// that failed. `tests/external/report.py` speaks the same. Numbers beyond 2^53 travel as decimal strings.
//
// Import this module first: libraries that print when they are loaded must not get in between.

const STEP_TIMEOUT = 30_000;

const write = process.stdout.write.bind(process.stdout);

/** Everything that libraries wanted to tell people, in order: {level, text}. */
export const notices = [];

for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
  console[level] = (...parts) => notices.push({ level, text: parts.map(String).join(' ') });
}

/** Run one step; the facts it returns, or undefined if it failed, which does not keep later ones from trying. */
export async function step(name, run) {
  const started = performance.now();
  try {
    const facts = await within(STEP_TIMEOUT, run());
    say({ step: name, seconds: (performance.now() - started) / 1000, facts });
    return facts;
  } catch (error) {
    say({ step: name, error: String(error?.stack ?? error) });
    return undefined;
  }
}

async function within(ms, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function say(line) {
  write(JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? value.toString() : value)) + '\n');
}
