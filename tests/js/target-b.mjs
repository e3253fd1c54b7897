// An asset hub's user with @polkadot/api: node target-b.mjs ws://…
//
// Moves assets by number and by location, and pays for it in an asset.
import { notices, step } from './report.mjs';
import { connectTo, finalize } from './polkadot.mjs';

const USDT = 1984;
const MILLION = 10n ** 6n;
const ETHER = 10n ** 18n;
const WETH = {
  parents: 2,
  interior: {
    X2: [
      { GlobalConsensus: { Ethereum: { chainId: 11155111 } } },
      { AccountKey20: { network: null, key: '0xfff9976782d46cc05630d1f6ebab18b2324d6b14' } },
    ],
  },
};

const [url] = process.argv.slice(2);
// polkadot-js takes every asset that pays for a location unless it is told otherwise.
const { api, keyring } = await connectTo(url, { types: { TAssetConversion: 'Option<u32>' } });
const bob = keyring.addFromUri('//Bob');
const stranger = (name) => keyring.addFromUri(`//polkadot-js//${name}`);

const usdt = async (who) => (await api.query.assets.account(USDT, who)).unwrapOr({ balance: 0n }).balance;
const weth = async (who) => (await api.query.foreignAssets.account(WETH, who)).unwrapOr({ balance: 0n }).balance;
const native = async (who) => (await api.query.system.account(who)).data.free.toBigInt();

function paidInAsset(records) {
  const [who, fee, tip, asset] = records.find(({ event }) => event.method === 'AssetTxFeePaid').event.data;
  return { who: who.toString(), fee: fee.toBigInt(), tip: tip.toBigInt(), asset: asset.unwrap().toNumber() };
}

await step('connect', async () => ({
  spec_name: api.runtimeVersion.specName,
  token: api.registry.chainTokens[0],
  extensions: api.registry.signedExtensions,
  pallets: Object.fromEntries(
    api.runtimeMetadata.asLatest.pallets.map((pallet) => [pallet.name.toString(), pallet.index.toNumber()]),
  ),
  notices: notices.map(({ text }) => text),
}));

await step('assets', async () => {
  const entries = await api.query.foreignAssets.metadata.entries();
  return {
    usdt: (await api.query.assets.metadata(USDT)).symbol.toUtf8(),
    foreign: entries.map(([, { symbol }]) => symbol.toUtf8()),
    weth_key: api.query.foreignAssets.asset.key(WETH),
    held: { usdt: BigInt(await usdt(bob.address)), weth: BigInt(await weth(bob.address)) },
  };
});

await step('fee_in_asset', async () => {
  const to = stranger('fee-in-asset').address;
  const before = { native: await native(bob.address), usdt: BigInt(await usdt(bob.address)) };
  const call = api.tx.assets.transferKeepAlive(USDT, to, 3n * MILLION);
  const { success, events, records } = await finalize(api, call, bob, { assetId: USDT, tip: 10n ** 9n });
  return {
    success,
    events,
    paid: paidInAsset(records),
    signer: bob.address,
    received: BigInt(await usdt(to)),
    spent: before.usdt - BigInt(await usdt(bob.address)),
    native_spent: before.native - (await native(bob.address)),
  };
});

await step('without_native_funds', async () => {
  const poor = stranger('fee-in-asset');
  const call = api.tx.assets.transferKeepAlive(USDT, bob.address, MILLION);
  const { success, records } = await finalize(api, call, poor, { assetId: USDT });
  return { success, native: await native(poor.address), fee: paidInAsset(records).fee, left: BigInt(await usdt(poor.address)) };
});

await step('foreign', async () => {
  const to = stranger('foreign').address;
  const { success, events, fee } = await finalize(api, api.tx.foreignAssets.transferKeepAlive(WETH, to, ETHER), bob);
  return { success, events, fee, received: BigInt(await weth(to)) };
});

await step('unpayable', async () => {
  const refused = await api.tx.system
    .remark('0x')
    .signAndSend(bob, { assetId: 99 })
    .then(
      () => null,
      (error) => error,
    );
  return { code: refused.code, data: refused.data };
});

process.exit(0);
