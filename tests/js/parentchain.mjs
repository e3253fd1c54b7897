// The steps of the parentchain conformance tests, taken with @polkadot/api: node parentchain.mjs ws://…
//
// First those that every foreign client takes, then (wallet.mjs) what wallets and explorers do beyond.
import { notices, step } from './report.mjs';
import { callName, connectTo, finalize, freeBalance, take } from './polkadot.mjs';
import { walletSteps } from './wallet.mjs';

const ONE = 10n ** 12n;
const HEADS = 3;

const [url] = process.argv.slice(2);

async function connect() {
  let connected;
  await step('connect', async () => {
    connected = await connectTo(url);
    const { api } = connected;
    const [chain, name] = await Promise.all([api.rpc.system.chain(), api.rpc.system.name()]);
    return {
      chain,
      node_name: name,
      spec_name: api.runtimeVersion.specName,
      spec_version: api.runtimeVersion.specVersion.toNumber(),
      ss58_format: api.registry.chainSS58,
      token: api.registry.chainTokens[0],
      decimals: api.registry.chainDecimals[0],
      genesis_hash: api.genesisHash.toHex(),
      pallets: api.runtimeMetadata.asLatest.pallets.map((pallet) => pallet.name.toString()),
      notices: notices.map(({ level, text }) => `${level}: ${text.replace(/^[-\d]+ [:\d]+ +/, '')}`),
    };
  });
  const { api, keyring } = connected;
  return { api, keyring, bob: keyring.addFromUri('//Bob'), stranger: (name) => keyring.addFromUri(`//polkadot-js//${name}`) };
}

async function read({ api, bob }) {
  await step('constants', async () => ({
    existential_deposit: api.consts.balances.existentialDeposit.toBigInt(),
    block_hash_count: api.consts.system.blockHashCount.toNumber(),
    ss58_prefix: api.consts.system.ss58Prefix.toNumber(),
    proxy_deposit_base: api.consts.proxy.proxyDepositBase.toBigInt(),
  }));
  await step('account', async () => {
    const account = await api.query.system.account(bob.address);
    return {
      address: bob.address,
      free: account.data.free.toBigInt(),
      nonce: account.nonce.toNumber(),
      providers: account.providers.toNumber(),
      total_issuance: (await api.query.balances.totalIssuance()).toBigInt(),
    };
  });
  await step('account_map', async () => {
    const entries = await api.query.system.account.entries();
    return { accounts: Object.fromEntries(entries.map(([key, info]) => [key.args[0], info.data.free.toBigInt()])) };
  });
  await step('heads', async () => {
    const number = (header) => header.number.toNumber();
    return {
      new: await take((each) => api.rpc.chain.subscribeNewHeads(each), HEADS, number),
      finalized: await take((each) => api.rpc.chain.subscribeFinalizedHeads(each), HEADS, number),
    };
  });
  await step('runtime_call', async () => ({
    nonce: (await api.call.accountNonceApi.accountNonce(bob.address)).toNumber(),
    next_index: (await api.rpc.system.accountNextIndex(bob.address)).toNumber(),
  }));
}

async function pay({ api, bob, stranger }) {
  await step('transfer', async () => {
    const to = stranger('transfer').address;
    const call = api.tx.balances.transferAllowDeath(to, ONE);
    const info = await call.paymentInfo(bob);
    const before = await api.query.system.account(bob.address);
    const { fee, success, events } = await finalize(api, call, bob);
    const after = await api.query.system.account(bob.address);
    return {
      fee,
      success,
      events,
      estimate: info.partialFee.toBigInt(),
      class: info.class.type.toLowerCase(),
      received: await freeBalance(api, to),
      spent: before.data.free.toBigInt() - after.data.free.toBigInt(),
      nonces: after.nonce.toNumber() - before.nonce.toNumber(),
    };
  });
  await step('mortal_transfer', async () => {
    const call = api.tx.balances.transferAllowDeath(stranger('mortal').address, ONE);
    const { success, events } = await finalize(api, call, bob, { era: 64 });
    return { success, events };
  });
  let block;
  await step('batch', async () => {
    const recipients = [stranger('batch-1').address, stranger('batch-2').address];
    const calls = recipients.map((to, i) => api.tx.balances.transferAllowDeath(to, BigInt(i + 1) * ONE));
    const result = await finalize(api, api.tx.utility.batch(calls), bob);
    block = result.block;
    const received = await Promise.all(recipients.map((who) => freeBalance(api, who)));
    return { success: result.success, events: result.events, received };
  });
  await step('block', async () => {
    const { extrinsics } = (await api.rpc.chain.getBlock(block)).block;
    return {
      calls: extrinsics.map(({ method }) => callName(method)),
      signers: extrinsics.map((extrinsic) => (extrinsic.isSigned ? extrinsic.signer.toString() : null)),
    };
  });
}

async function fail({ api, bob, stranger }) {
  await step('dispatch_error', async () => {
    const call = api.tx.teerex.unregisterSovereignEnclave(stranger('no-enclave').address);
    const { success, error, events } = await finalize(api, call, bob);
    return { success, events, error: error.split('.')[1] };
  });
  await step('outdated', async () => {
    const call = api.tx.balances.transferAllowDeath(stranger('outdated').address, ONE);
    const refused = await call.signAndSend(bob, { nonce: 0 }).then(
      () => null,
      (error) => error,
    );
    return { code: refused.code, message: refused.message.replace(/^\d+: /, ''), data: refused.data };
  });
}

const context = await connect();
await read(context);
await pay(context);
await fail(context);
await walletSteps(context);
process.exit(0);
