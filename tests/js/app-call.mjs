// An app's call and getter by its generated types: node app-call.mjs wss://WORKER TYPES.json APP CALL GETTER
//
// //Alice makes the call about //Bob, who then asks. What pallets there are is read from the ledger's metadata.
import { step } from './report.mjs';
import { readFileSync } from 'node:fs';
import { Keyring } from '@polkadot/keyring';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { u8aToHex } from '@polkadot/util';
import { TrustedClient } from './trusted-client.mjs';

const [workerUrl, file, app, callName, getterName] = process.argv.slice(2);

const { types, returns } = JSON.parse(readFileSync(file, 'utf8'));
const registry = new TypeRegistry();
registry.register(types);
const client = await TrustedClient.connect(workerUrl, registry);
const keyring = new Keyring({ type: 'sr25519' });
const [alice, bob] = ['//Alice', '//Bob'].map((uri) => keyring.addFromUri(uri));
await client.meet();

await step('pallets', async () => {
  const metadata = new Metadata(new TypeRegistry(), u8aToHex(await client.query('state_getMetadata')));
  return { names: metadata.asLatest.pallets.map(({ name }) => name.toString()) };
});
await step('call', async () => {
  const nonce = (await client.call('system_accountNextIndex', alice.address)).result;
  const signed = client.operation({ [app]: { [callName]: [alice.address, bob.address] } }, nonce, alice);
  const { statuses, reason } = await client.watch(await client.shield(signed));
  return { statuses, reason };
});
await step('getter', async () => {
  const getter = client.trustedGetter({ [app]: { [getterName]: { who: bob.address } } }, bob);
  return { value: (await client.get(getter, returns.trusted[`${app}.${getterName}`])).toNumber() };
});
client.close();
