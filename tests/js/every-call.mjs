// Every trusted call and getter that @encointer/types defines, against a devnet: node every-call.mjs wss://WORKER
//
// The table below has an entry for each variant of the package's enums; a variant without one fails the run, so that
// a newer package cannot pass by being ignored. //Alice is rich in a development ledger and holds every asset.
import { step } from './report.mjs';
import { Keyring } from '@polkadot/keyring';
import { blake2AsHex } from '@polkadot/util-crypto';
import { TrustedClient } from './trusted-client.mjs';
import { workerRegistry } from './types.mjs';

const ONE = 10n ** 12n;
const SECRET = '0x' + '5e'.repeat(32);
const SEED = '0x' + '09'.repeat(32);
const EXPIRY = 4_000_000_000_000;
const NOTE = 'hello, confidential world';

const [workerUrl] = process.argv.slice(2);

const registry = await workerRegistry();
const client = await TrustedClient.connect(workerUrl, registry);
const keyring = new Keyring({ type: 'sr25519' });
const [alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map((uri) => keyring.addFromUri(uri));
const [A, B, C] = [alice, bob, charlie].map((pair) => pair.address);
await client.meet();
const shard = client.shard;

const voucher = client.create('AccountId', blake2AsHex(SECRET, 256)).toString();

/** Variant of IntegriteeTrustedCall → the calls to make of it, in order; //Alice signs. */
const CALLS = {
  noop: [A],
  timestamp_set: [[A, '0x' + '00'.repeat(20), 1n]],
  balance_transfer: [[A, B, ONE]],
  balance_unshield: [[A, C, ONE, shard]],
  balance_shield: [[A, B, ONE, 'Integritee']],
  balance_transfer_with_note: [[A, B, ONE, NOTE]],
  balance_shield_through_enclave_bridge_pallet: [[A, B, ONE]],
  balance_unshield_through_enclave_bridge_pallet: [[A, C, ONE, shard]],
  send_note: [[A, B, NOTE]],
  send_relayed_note: ['Here', 'Ipfs', 'Undeclared'].map((note_relay_type) => [
    A,
    B,
    77,
    { allow_onchain_fallback: true, note_relay_type, msg: NOTE, maybe_encryption_key: SEED },
  ]),
  send_relayed_note_stripped: [
    [A, B, 5, { Ipfs: { ipfs_hash: '0x' + 'ab'.repeat(46), encryption_key: SEED } }],
    [A, B, 6, { Here: { msg: NOTE } }],
    [A, B, 7, { Undeclared: { encryption_key: SEED } }],
  ],
  add_session_proxy: [
    [A, B, { role: { readBalance: null }, expiry: EXPIRY, seed: SEED }],
    [A, C, { role: { transferAllowance: 5n * ONE }, expiry: null, seed: SEED }],
  ],
  assets_transfer: [[A, B, 'USDT', 1_000_000n]],
  assets_unshield: [[A, C, 'USDC_E', 1_000_000n, shard]],
  assets_shield: [[A, B, 'ETH', 10n ** 18n, 'Integritee']],
  assets_transfer_with_note: [[A, B, 'PEPE_E', 10n ** 18n, NOTE]],
  guess_the_number: [{ set_winnings: [A, ONE] }, { push_by_one_day: A }, { guess: [A, 4242] }],
  credits: [
    { create_class: [A, 9] },
    { mint: [A, 9, voucher, 30n, EXPIRY] },
    { claim: [A, 9, SECRET] },
    { redeem: [A, 9, B, 30n] },
    { destroy_class: [A, 9] },
    { create_class: [A, 10] },
    { mint: [A, 10, A, 7n, null] },
  ],
};

/** Variant of IntegriteeTrustedGetter → what is asked about //Alice, and the type of the answer. */
const TRUSTED = {
  account_info: [[A, 'AccountInfo']],
  account_info_and_session_proxies: [[A, 'AccountInfoAndSessionProxies']],
  account_essentials: [[A, 'AccountEssentials']],
  notes_for: [[[A, 0], 'Vec<TimestampedTrustedNote>']],
  asset_balance: [[[A, 'USDT'], 'Balance']],
  guess_the_number: [[{ attempts: { origin: A } }, 'u8']],
  credits: [
    [{ credits: { origin: A, class_id: 10 } }, '(Balance, Vec<(Balance, Option<Moment>)>)'],
    [{ credit_class_info: { origin: A, class_id: 10 } }, '(AccountId, Balance, Balance, Balance, Balance)'],
  ],
};

/** Variant of IntegriteePublicGetter → what is asked, and the type of the answer. */
const PUBLIC = {
  some_value: [[null, 'u32']],
  total_issuance: [[null, 'Balance']],
  undistributed_fees: [
    [null, 'Balance'],
    ['USDT', 'Balance'],
  ],
  parentchains_info: [[null, 'ParentchainsInfo']],
  note_buckets_info: [[null, 'NotesBucketInfo']],
  shard_info: [[null, 'ShardInfo']],
  asset_total_issuance: [['USDT', 'Balance']],
  guess_the_number: [['guess_the_number_info', 'GuessTheNumberInfo']],
  credits: [
    [{ credit_class_info: { origin: A, class_id: 10 } }, '(AccountId, Balance, Balance, Balance, Balance)'],
    [{ credits: { origin: A, class_id: 10 } }, '(Balance, Vec<(Balance, Option<Moment>)>)'],
  ],
};

const defined = (type) => registry.createType(type).defKeys.filter((name) => !/^unused_?index/i.test(name));

/** Polkadot-js knows variants by names of its own spelling. */
const spelled = (name) => name.replaceAll('_', '').toLowerCase();

const entry = (table, name) => Object.entries(table).find(([key]) => spelled(key) === spelled(name));

async function everyVariant(kind, type, table, drive) {
  const names = defined(type);
  await step(`${kind}:defined`, async () => ({ names, missing: names.filter((name) => !entry(table, name)) }));
  for (const name of names) {
    const [variant, cases] = entry(table, name) ?? [name, []];
    for (const [i, each] of cases.entries()) await step(`${kind}:${variant}:${i}`, () => drive(variant, each));
  }
}

const nonceOf = async (pair) => (await client.call('system_accountNextIndex', pair.address)).result;

async function call(variant, args) {
  const signed = client.operation({ [variant]: args }, await nonceOf(alice), alice);
  const { statuses, status, refused, reason } = await client.watch(await client.shield(signed));
  return { last: statuses?.at(-1) ?? status, refused, code: reason?.code };
}

async function answer(getter, type) {
  const { result, reason } = await client.ask(getter);
  const value = await client.get(getter, type);
  return { has: value !== undefined, value: value?.toHuman(), code: reason?.code, bytes: result.length };
}

await everyVariant('call', 'IntegriteeTrustedCall', CALLS, call);
await everyVariant('trusted', 'IntegriteeTrustedGetter', TRUSTED, (variant, [args, type]) =>
  answer(client.trustedGetter({ [variant]: args }, alice), type));
await everyVariant('public', 'IntegriteePublicGetter', PUBLIC, (variant, [args, type]) =>
  answer(client.publicGetter({ [variant]: args }), type));
await step('session_proxy', async () => {
  const getter = client.create('IntegriteeTrustedGetter', { account_info: A });
  const signature = bob.sign(getter.toU8a(), { withType: true });
  const signed = client.create('IntegriteeTrustedGetterSigned', { getter, delegate: B, signature });
  return answer(client.create('IntegriteeGetter', { trusted: signed }), 'AccountInfo');
});
client.close();
process.exit(0);
