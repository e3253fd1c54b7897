// What wallets and explorers do with @polkadot/api: subscriptions, derived balances, history, sudo, enclaves.
import { step } from './report.mjs';
import { callName, eventName, finalize, freeBalance, take } from './polkadot.mjs';

const ONE = 10n ** 12n;
const MEASUREMENT = '0x' + '11'.repeat(32);
const ENCLAVE_URL = 'wss://127.0.0.1:2000';

export async function walletSteps(context) {
  await metadataSteps(context);
  await transactionSteps(context);
  await enclaveSteps(context);
  await historySteps(context);
}

async function metadataSteps({ api }) {
  await step('types', async () => {
    const ids = api.registry.lookup.types.map(({ id }) => id.toNumber());
    const unusable = ids.filter((id) => {
      try {
        return api.registry.createType(api.registry.createLookupType(id)) === undefined;
      } catch {
        return true;
      }
    });
    return {
      metadata_version: api.runtimeMetadata.version,
      types: ids.length,
      unusable: unusable.map((id) => api.registry.lookup.getTypeDef(id)),
      extensions: api.registry.signedExtensions,
    };
  });
  await step('rpc', async () => {
    const { methods } = await api.rpc.rpc.methods();
    const decorated = Object.entries(api.rpc).flatMap(([section, calls]) =>
      Object.keys(calls).map((method) => `${section}.${method}`),
    );
    return { methods: methods.map(String), decorated };
  });
}

async function transactionSteps({ api, keyring, bob, stranger }) {
  await step('statuses', async () => {
    const call = api.tx.balances.transferAllowDeath(stranger('statuses').address, ONE);
    const signed = await call.signAsync(bob, { nonce: -1 });
    return { statuses: await rawStatuses(api, signed.toHex()) };
  });
  await step('nonce_gap', async () => {
    const nonce = (await api.rpc.system.accountNextIndex(bob.address)).toNumber();
    const to = stranger('nonce-gap').address;
    const sign = (n) => api.tx.balances.transferAllowDeath(to, ONE).signAsync(bob, { nonce: n });
    const [first, second] = [await sign(nonce), await sign(nonce + 1)];
    const later = rawStatuses(api, second.toHex());
    const earlier = await rawStatuses(api, first.toHex());
    return { earlier, later: await later, received: await freeBalance(api, to) };
  });
  await step('ed25519', async () => {
    const edward = keyring.addFromUri('//polkadot-js//edward', {}, 'ed25519');
    await finalize(api, api.tx.balances.transferAllowDeath(edward.address, 10n * ONE), bob);
    const { success, fee } = await finalize(api, api.tx.balances.transferAllowDeath(bob.address, ONE), edward);
    return { success, fee, left: await freeBalance(api, edward.address) };
  });
  await step('interrupted_batch', async () => {
    const to = stranger('interrupted').address;
    const calls = [
      api.tx.balances.transferAllowDeath(to, ONE),
      api.tx.teerex.unregisterSovereignEnclave(to),
      api.tx.balances.transferAllowDeath(to, ONE),
    ];
    const { success, records } = await finalize(api, api.tx.utility.batch(calls), bob);
    const { event } = records.find(({ event }) => event.method === 'BatchInterrupted');
    const error = api.registry.findMetaError(event.data.error.asModule);
    return { success, index: event.data.index.toNumber(), error: error.name, received: await freeBalance(api, to) };
  });
  await step('sudo', async () => {
    const alice = keyring.addFromUri('//Alice');
    const who = stranger('sudo').address;
    const call = api.tx.sudo.sudo(api.tx.balances.forceSetBalance(who, 7n * ONE));
    const { success, records } = await finalize(api, call, alice);
    const { event } = records.find(({ event }) => event.method === 'Sudid');
    return { success, inner_ok: event.data.sudoResult.isOk, free: await freeBalance(api, who) };
  });
  await step('fee_details', async () => {
    const call = api.tx.balances.transferAllowDeath(stranger('fees').address, ONE);
    const signed = await call.signAsync(bob, { nonce: -1 });
    const [details, info] = await Promise.all([api.rpc.payment.queryFeeDetails(signed.toHex()), call.paymentInfo(bob)]);
    const { baseFee, lenFee, adjustedWeightFee } = details.inclusionFee.unwrap();
    return {
      sum: baseFee.toBigInt() + lenFee.toBigInt() + adjustedWeightFee.toBigInt(),
      estimate: info.partialFee.toBigInt(),
    };
  });
}

async function enclaveSteps({ api, bob }) {
  await step('enclave', async () => {
    const register = api.tx.teerex.registerSgxEnclave(MEASUREMENT, ENCLAVE_URL, { Skip: { proxied: false } });
    const { success, error, events } = await finalize(api, register, bob);
    const entries = await api.query.teerex.sovereignEnclaves.entries();
    const ours = entries.find(([key]) => key.args[0].eq(bob.address));
    return { success, error, events, enclave: ours?.[1].toJSON() };
  });
}

async function historySteps({ api, bob }) {
  await step('subscribed_storage', async () => {
    const seen = await take((each) => api.query.timestamp.now(each), 3, (now) => now.toNumber());
    return { seen };
  });
  await step('derived', async () => {
    const balances = await api.derive.balances.all(bob.address);
    return {
      available: balances.availableBalance.toBigInt(),
      free: balances.freeBalance.toBigInt(),
      next_nonce: (await api.derive.balances.account(bob.address)).accountNonce.toNumber(),
      best: (await api.derive.chain.bestNumber()).toNumber(),
    };
  });
  await step('past', async () => {
    const [genesis, best] = [await api.at(api.genesisHash), await api.rpc.chain.getHeader()];
    return {
      free_at_genesis: (await genesis.query.system.account(bob.address)).data.free.toBigInt(),
      number: best.number.toNumber(),
      parent: best.parentHash.toHex() === (await api.rpc.chain.getBlockHash(best.number.toNumber() - 1)).toHex(),
    };
  });
  await step('all_blocks', async () => {
    const last = (await api.rpc.chain.getHeader()).number.toNumber();
    const blocks = await Promise.all(Array.from({ length: last }, (_, i) => decodeBlock(api, i + 1)));
    return {
      blocks: blocks.length,
      calls: [...new Set(blocks.flatMap(({ calls }) => calls))].sort(),
      events: [...new Set(blocks.flatMap(({ events }) => events))].sort(),
      unsettled: blocks.filter(({ calls, settled }) => calls.length !== settled).map(({ number }) => number),
    };
  });
  await step('read_proof', async () => {
    const key = api.query.system.account.key(bob.address);
    const { at, proof } = await api.rpc.state.getReadProof([key]);
    const root = (await api.rpc.chain.getHeader(at)).stateRoot.toHex();
    return { root, key, proof: proof.map((node) => node.toHex()), value: (await api.rpc.state.getStorage(key, at)).toHex() };
  });
}

/** A block's calls and events; `settled` counts the extrinsics that ended as success or failure. */
async function decodeBlock(api, number) {
  const hash = await api.rpc.chain.getBlockHash(number);
  const [{ block }, records] = await Promise.all([
    api.rpc.chain.getBlock(hash),
    api.at(hash).then((then) => then.query.system.events()),
  ]);
  const settled = records.filter(
    ({ event, phase }) => phase.isApplyExtrinsic && /^Extrinsic(Success|Failed)$/.test(event.method),
  );
  return {
    number,
    calls: block.extrinsics.map(({ method }) => callName(method)),
    events: records.map(eventName),
    settled: settled.length,
  };
}

/** Names of the statuses as the node sends them; @polkadot/api itself skips some that follow each other closely. */
function rawStatuses(api, extrinsic) {
  const { provider } = api._rpcCore;
  return new Promise((resolve, reject) => {
    const statuses = [];
    provider
      .subscribe('author_extrinsicUpdate', 'author_submitAndWatchExtrinsic', [extrinsic], (error, status) => {
        if (error) reject(error);
        statuses.push(typeof status === 'string' ? status : Object.keys(status)[0]);
        if (status.finalized) resolve(statuses);
      })
      .catch(reject);
  });
}
