// The steps of the trusted RPC's conformance tests: node trusted-rpc.mjs ws://PARENTCHAIN wss://WORKER
//
// A user comes from the parentchain, deposits, asks, pays somebody privately, is refused, and withdraws.
import { step } from './report.mjs';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { u8aToHex } from '@polkadot/util';
import { connectTo, finalize, freeBalance } from './polkadot.mjs';
import { KEY_BYTES, TrustedClient, withoutLeadingZeros } from './trusted-client.mjs';
import { workerRegistry } from './types.mjs';

const ONE = 10n ** 12n;
const DEPOSIT = 20n * ONE;
const MAX_ENCRYPTIONS = 20_000;

const [nodeUrl, workerUrl] = process.argv.slice(2);

async function meet() {
  const registry = await workerRegistry();
  const client = await TrustedClient.connect(workerUrl, registry);
  const { api, keyring } = await connectTo(nodeUrl);
  const user = (name) => keyring.addFromUri(`//trusted-rpc//${name}`);
  return { registry, client, api, keyring, payer: user('payer'), payee: user('payee'), poor: user('poor') };
}

const balances = ({ nonce, data }) => ({ nonce: nonce.toNumber(), free: data.free.toBigInt() });
const accountInfo = async (client, pair) =>
  balances(await client.get(client.trustedGetter({ account_info: pair.address }, pair), 'AccountInfo'));

// -- who is this -------------------------------------------------------------------------------------------

async function identitySteps({ client }) {
  await step('certificate', async () => {
    const { hostname, port } = new URL(workerUrl);
    const socket = connectTls({ host: hostname, port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject, subjectAltName, publicKey } = socket.getPeerX509Certificate();
    socket.destroy();
    const { crv, x } = publicKey.export({ format: 'jwk' });
    return { subject, names: subjectAltName, curve: crv, key: u8aToHex(Buffer.from(x, 'base64url')) };
  });
  await step('identity', async () => {
    await client.meet();
    const [vault, parentchain] = client.create('Vault', await client.query('author_getShardVault'));
    return {
      key_text_length: client.keyText.length,
      n: client.key.n,
      e: client.key.e,
      fingerprint: u8aToHex(client.fingerprint),
      shard: u8aToHex(client.shard),
      vault: u8aToHex(vault.toU8a()),
      parentchain: parentchain.type,
      version: new TextDecoder().decode(await client.query('system_version')),
      untrusted_url: client.create('Text', await client.query('author_getUntrustedUrl')),
    };
  });
  await step('header', async () => {
    const header = client.create('SidechainHeader', await client.query('chain_getHeader'));
    return { number: header.block_number.toNumber(), shard: header.shard_id.toHex() };
  });
  await step('metadata', async () => {
    const metadata = new Metadata(new TypeRegistry(), u8aToHex(await client.query('state_getMetadata')));
    return { version: metadata.version, pallets: metadata.asLatest.pallets.map(({ name }) => name.toString()) };
  });
}

// -- money comes in ----------------------------------------------------------------------------------------

async function depositSteps({ client, api, keyring, payer }) {
  const [vault] = client.create('Vault', await client.query('author_getShardVault'));
  await step('deposit', async () => {
    const charlie = keyring.addFromUri('//Charlie');
    await finalize(api, api.tx.balances.transferAllowDeath(payer.address, DEPOSIT + ONE), charlie);
    const before = await totalIssuance(client);
    const paid = await finalize(api, api.tx.balances.transferAllowDeath(vault.toString(), DEPOSIT), payer);
    const credited = await eventually(async () => {
      const account = await accountInfo(client, payer);
      return account.free > 0n && account;
    });
    return { paid: paid.success, deposit: DEPOSIT, ...credited, issued: (await totalIssuance(client)) - before };
  });
}

const totalIssuance = async (client) =>
  (await client.get(client.publicGetter({ total_issuance: null }), 'Balance')).toBigInt();

// -- asking ------------------------------------------------------------------------------------------------

async function getterSteps({ client, api, payer, payee }) {
  await step('public_getters', async () => {
    const chains = await client.get(client.publicGetter({ parentchains_info: null }), 'ParentchainsInfo');
    const shard = await client.get(client.publicGetter({ shard_info: null }), 'ShardInfo');
    return {
      some_value: (await client.get(client.publicGetter({ some_value: null }), 'u32')).toNumber(),
      genesis_known: chains.integritee.genesis_hash.unwrap().eq(api.genesisHash),
      block_number: chains.integritee.block_number.unwrap().toNumber(),
      shielding_target: chains.shielding_target.type,
      shard_mode: shard.mode.type,
      enclave: shard.config.unwrap().active_config.enclave_fingerprint.toHex(),
    };
  });
  await step('trusted_getters', async () => {
    const essentials = client.trustedGetter({ account_essentials: payer.address }, payer);
    const wrapped = client.trustedGetter({ account_info: payer.address }, payer, { wrap: true });
    return {
      plain: await accountInfo(client, payer),
      wrapped: balances(await client.get(wrapped, 'AccountInfo')),
      essentials: balances((await client.get(essentials, 'AccountEssentials')).account_info),
      unknown: await accountInfo(client, payee),
    };
  });
  await step('foreign_getter', async () => {
    const { result, reason } = await client.ask(client.trustedGetter({ account_info: payer.address }, payee));
    const answer = client.create('RpcReturnValue', result);
    return { status: answer.status.type, text: client.create('Text', answer.value.toU8a(true)), reason };
  });
  await step('next_index', async () => ({
    nonce: (await client.call('system_accountNextIndex', payer.address)).result,
  }));
}

// -- paying ------------------------------------------------------------------------------------------------

async function transferSteps({ client, payer, payee }) {
  const transfer = (nonce, options) =>
    client.operation({ balance_transfer: [payer.address, payee.address, ONE] }, nonce, payer, options);
  const state = async () => ({ payer: await accountInfo(client, payer), payee: await accountInfo(client, payee) });

  await step('transfer', async () => {
    const before = await state();
    const operation = transfer(before.payer.nonce);
    const outcome = await client.watch(await client.shield(operation));
    return { ...outcome, expected_hash: operation.hash.toHex(), before, after: await state() };
  });
  await step('wrapped_transfer', async () => {
    const { nonce } = await accountInfo(client, payer);
    return client.watch(await client.shield(transfer(nonce, { wrap: true })));
  });
  await step('short_ciphertext', async () => {
    const { nonce } = await accountInfo(client, payer);
    const operation = transfer(nonce);
    let cyphertext;
    let encryptions = 0;
    do {
      cyphertext = withoutLeadingZeros(await client.shield(operation));
    } while (cyphertext.length === KEY_BYTES && ++encryptions < MAX_ENCRYPTIONS);
    return { length: cyphertext.length, ...(await client.watch(cyphertext)) };
  });
  await step('nonce_gap', async () => {
    const { nonce } = await accountInfo(client, payer);
    const later = client.watch(await client.shield(transfer(nonce + 1)));
    const earlier = client.watch(await client.shield(transfer(nonce)));
    return { earlier: await earlier, later: await later };
  });
  await step('unwatched', async () => {
    const { nonce } = await accountInfo(client, payer);
    const operation = transfer(nonce);
    const { result } = await client.call('author_submitExtrinsic', client.request(await client.shield(operation)));
    const answer = client.create('RpcReturnValue', result);
    await eventually(async () => (await accountInfo(client, payer)).nonce === nonce + 1);
    return {
      hash: u8aToHex(answer.value.toU8a(true)),
      expected_hash: operation.hash.toHex(),
      do_watch: answer.do_watch.isTrue,
      status: answer.status.asTrustedOperationStatus.type,
    };
  });
}

// -- refusals ----------------------------------------------------------------------------------------------

async function refusalSteps({ client, payer, payee, poor }) {
  await step('invalid', async () => {
    const { nonce, free } = await accountInfo(client, payer);
    const call = { balance_transfer: [payer.address, payee.address, free + 1n] };
    const outcome = await client.watch(await client.shield(client.operation(call, nonce, payer)));
    return { ...outcome, free, needed: free + 1n, after: await accountInfo(client, payer) };
  });
  const refuse = (name, make, shard) =>
    step(name, async () => {
      const { nonce } = await accountInfo(client, payer);
      return client.watch(await make({ balance_transfer: [payer.address, payee.address, ONE] }, nonce), shard);
    });
  await refuse('foreign_signature', (call, nonce) => client.shield(client.operation(call, nonce, poor)));
  await refuse('stale_nonce', (call, nonce) => client.shield(client.operation(call, nonce - 1, payer)));
  await refuse('not_shielded', (call, nonce) => client.operation(call, nonce, payer).toU8a());
  await refuse('no_operation', () => client.shield(client.create('Text', 'this is no operation')));
  await refuse(
    'wrong_shard',
    (call, nonce) => client.shield(client.operation(call, nonce, payer)),
    new Uint8Array(32).fill(7),
  );
}

// -- money goes out ----------------------------------------------------------------------------------------

async function withdrawalSteps({ client, api, keyring, payer }) {
  await step('withdrawal', async () => {
    const home = keyring.addFromUri('//trusted-rpc//home').address;
    const { nonce, free } = await accountInfo(client, payer);
    const call = { balance_unshield: [payer.address, home, ONE, client.shard] };
    const outcome = await client.watch(await client.shield(client.operation(call, nonce, payer)));
    const after = await accountInfo(client, payer);
    const received = await eventually(() => freeBalance(api, home));
    return { ...outcome, spent: free - after.free, received };
  });
}

/** The first truthy outcome of `look`. */
async function eventually(look) {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const context = await meet();
await identitySteps(context);
await depositSteps(context);
await getterSteps(context);
await transferSteps(context);
await refusalSteps(context);
await withdrawalSteps(context);
context.client.close();
process.exit(0);
