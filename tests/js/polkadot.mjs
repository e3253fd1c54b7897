// What the scripts need on top of @polkadot/api: sign and watch to finality, names as metadata has them.
import { ApiPromise, WsProvider } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import { stringPascalCase } from '@polkadot/util';

export async function connectTo(url, options = {}) {
  const api = await ApiPromise.create({ provider: new WsProvider(url), throwOnConnect: true, ...options });
  const keyring = new Keyring({ type: 'sr25519', ss58Format: api.registry.chainSS58 });
  return { api, keyring };
}

/** polkadot-js changes the case of pallet and call names; metadata has them as Rust wrote them. */
export const palletName = (section) => stringPascalCase(section);
export const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const callName = (method) => `${palletName(method.section)}.${snakeCase(method.method)}`;
export const eventName = ({ event }) => `${palletName(event.section)}.${event.method}`;

export const freeBalance = async (api, who) => (await api.query.system.account(who)).data.free.toBigInt();

/**
 * Sign, submit and watch until the extrinsic is final: {block, events, fee, success, error}.
 *
 * `nonce: -1` counts what waits in the pool. `fee` is missing if it was paid in an asset. `error` is "Pallet.Error" of a failed dispatch.
 */
export async function finalize(api, call, signer, options = {}) {
  const result = await new Promise((resolve, reject) => {
    call
      .signAndSend(signer, { nonce: -1, ...options }, (update) => {
        if (update.isError) reject(new Error(`extrinsic ended as ${update.status.type}`));
        if (update.isFinalized) resolve(update);
      })
      .catch(reject);
  });
  const { events, dispatchError, status } = result;
  const paid = events.find(({ event }) => event.method === 'TransactionFeePaid');
  return {
    block: status.asFinalized.toHex(),
    events: events.map(eventName),
    records: events,
    fee: paid && paid.event.data.actualFee.toBigInt(),
    success: dispatchError === undefined,
    error: dispatchError && errorName(api, dispatchError),
  };
}

function errorName(api, error) {
  if (!error.isModule) return error.type;
  const { section, name } = api.registry.findMetaError(error.asModule);
  return `${palletName(section)}.${name}`;
}

/** The first `count` values that a subscription gives: take(subscribe, count, read). */
export function take(subscribe, count, read) {
  return new Promise((resolve, reject) => {
    const found = [];
    const unsubscribe = subscribe((value) => {
      if (found.length < count) found.push(read(value));
      if (found.length === count) unsubscribe.then((end) => (end(), resolve(found)));
    });
    unsubscribe.catch(reject);
  });
}
