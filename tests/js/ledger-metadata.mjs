// The ledger's metadata in polkadot-js: node ledger-metadata.mjs FILE
//
// FILE holds {metadata, reads: [{pallet, item, keys, value}]}. Each item's storage key is made from `keys` and `value`,
// the bytes in storage, is read as the type that metadata gives it.
import { step } from './report.mjs';
import { readFileSync } from 'node:fs';
import { expandMetadata, Metadata, TypeRegistry } from '@polkadot/types';
import { hexToU8a, u8aToHex } from '@polkadot/util';

const { metadata: bytes, reads } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const registry = new TypeRegistry();
const metadata = new Metadata(registry, bytes);
registry.setMetadata(metadata);
const { query, consts } = expandMetadata(registry, metadata);

const numberOf = (option, type) =>
  option.isSome ? registry.lookup.getSiType(option.unwrap().type).def[type].variants.length : 0;

await step('pallets', async () => ({
  version: metadata.version,
  pallets: metadata.asLatest.pallets.map((pallet) => ({
    name: pallet.name.toString(),
    index: pallet.index.toNumber(),
    calls: numberOf(pallet.calls, 'asVariant'),
    events: numberOf(pallet.events, 'asVariant'),
    errors: numberOf(pallet.errors, 'asVariant'),
    storage: pallet.storage.isSome ? pallet.storage.unwrap().items.map(({ name }) => name.toString()) : [],
    constants: pallet.constants.map(({ name }) => name.toString()),
  })),
}));
await step('constants', async () => ({ existentialDeposit: consts.balances.existentialDeposit.toNumber() }));
for (const { pallet, item, keys, value } of reads) {
  await step(`${pallet}.${item}`, async () => {
    const entry = query[pallet][item];
    const key = registry.createType('StorageKey', keys.length ? [entry, keys] : entry);
    return {
      key: u8aToHex(key.toU8a(true)),
      type: key.outputType,
      value: registry.createTypeUnsafe(key.outputType, [hexToU8a(value)]).toHuman(),
    };
  });
}
