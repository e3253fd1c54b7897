// A user with @polkadot/api on a chain that runs a real Wasm runtime: node asset-hub.mjs ws://…
import { step } from './report.mjs';
import { connectTo, finalize, freeBalance } from './polkadot.mjs';

const ONE = 10n ** 12n;

const [url] = process.argv.slice(2);
const { api, keyring } = await connectTo(url);
const [alice, bob] = ['//Alice', '//Bob'].map((uri) => keyring.addFromUri(uri));
const stranger = (name) => keyring.addFromUri(`//polkadot-js//${name}`).address;

await step('connect', async () => ({
  chain: await api.rpc.system.chain(),
  spec_name: api.runtimeVersion.specName,
  spec_version: api.runtimeVersion.specVersion.toNumber(),
  genesis_hash: api.genesisHash.toHex(),
  token: api.registry.chainTokens[0],
  pallets: api.runtimeMetadata.asLatest.pallets.map((pallet) => pallet.name.toString()),
  slot_ms: api.consts.aura?.slotDuration?.toNumber() ?? (await api.call.auraApi.slotDuration()).toNumber(),
}));

await step('transfer', async () => {
  // not Alice, who makes the blocks and gets her share of the fees
  const before = await freeBalance(api, bob.address);
  const call = api.tx.balances.transferKeepAlive(stranger('transfer'), ONE);
  const { partialFee } = await call.paymentInfo(bob);
  const { success, events } = await finalize(api, call, bob);
  return {
    success,
    events,
    estimated_fee: partialFee.toBigInt(),
    received: await freeBalance(api, stranger('transfer')),
    spent: before - (await freeBalance(api, bob.address)),
  };
});

await step('batch', async () => {
  const calls = [1n, 2n, 3n].map((n) => api.tx.balances.transferKeepAlive(stranger(`batch ${n}`), n * ONE));
  const { success, events } = await finalize(api, api.tx.utility.batchAll(calls), bob);
  const received = [1n, 2n, 3n].map((n) => freeBalance(api, stranger(`batch ${n}`)));
  return { success, completed: events.filter((name) => name === 'Utility.ItemCompleted').length, received: await Promise.all(received) };
});

await step('failed', async () => {
  const call = api.tx.balances.transferKeepAlive(stranger('failed'), 10n ** 30n);
  const { success, error } = await finalize(api, call, bob);
  return { success, error };
});

await step('asset', async () => {
  const { success } = await finalize(api, api.tx.assets.create(7, alice.address, 1n), alice);
  const minted = await finalize(api, api.tx.assets.mint(7, bob.address, 500n), alice);
  return { success: success && minted.success, held: (await api.query.assets.account(7, bob.address)).unwrap().balance.toBigInt() };
});

await step('proof', async () => {
  const hash = await api.rpc.chain.getFinalizedHead();
  const key = api.query.system.account.key(bob.address);
  const { stateRoot } = await api.rpc.chain.getHeader(hash);
  const value = await api.rpc.state.getStorage(key, hash);
  const { proof } = await api.rpc.state.getReadProof([key], hash);
  return { root: stateRoot.toHex(), key, value: value.toHex(), proof: proof.map((node) => node.toHex()) };
});

await api.disconnect();
