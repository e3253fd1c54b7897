// The project's JSON types in a registry of polkadot-js, beside those of @encointer/types: node registry.mjs FILE
//
// FILE holds {types, values: [{type, hex, apart}]}. Each value is read and written in both registries; then what a client
// would have passed to either, by the names of fields and variants there, is written by the project's. Values that
// stand `apart` are left to the project's types.
import { step } from './report.mjs';
import { readFileSync } from 'node:fs';
import { TypeRegistry } from '@polkadot/types';
import { Enum, Option, Struct, Tuple, Vec } from '@polkadot/types-codec';
import { workerRegistry } from './types.mjs';

const { types, values } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const theirs = await workerRegistry();
const ours = new TypeRegistry();
ours.register(types);

const WIRE_ENUMS = ['IntegriteeTrustedCall', 'IntegriteeTrustedGetter', 'IntegriteePublicGetter'];

const variants = (registry, type) => registry.createType(type).defKeys.map((name) => name.toLowerCase());

/** The variant of theirs that a value's first byte names, if they use it. */
function variantOf(type, hex) {
  const name = variants(theirs, type)[Number.parseInt(hex.slice(2, 4), 16)];
  return name && !name.startsWith('unused') ? name : undefined;
}

const isShared = ({ type, hex, apart }) =>
  !apart && theirs.hasType(type) && (!WIRE_ENUMS.includes(type) || variantOf(type, hex) !== undefined);

/** What a client passes to make a value: plain objects, by the names of the value's own registry. */
function plain(value) {
  if (value instanceof Option) return value.isSome ? plain(value.unwrap()) : null;
  if (value instanceof Enum) return { [value.defKeys[value.index]]: plain(value.inner) };
  if (value instanceof Struct) return Object.fromEntries([...value.entries()].map(([key, held]) => [key, plain(held)]));
  if (value instanceof Tuple || value instanceof Vec) return [...value].map(plain);
  return value.toJSON();
}

function written({ type, hex, apart }) {
  const value = ours.createType(type, hex);
  const found = { ours: value.toHex(), made: ours.createType(type, plain(value)).toHex() };
  if (!isShared({ type, hex, apart })) return found;
  const other = theirs.createType(type, hex);
  return { ...found, theirs: other.toHex(), crossed: ours.createType(type, plain(other)).toHex() };
}

await step('types', async () => ({
  unknown: Object.keys(types).filter((type) => !theirs.hasType(type)),
  variants: Object.fromEntries(
    WIRE_ENUMS.map((type) => [type, variants(theirs, type).filter((name) => !name.startsWith('unused'))]),
  ),
}));
for (const [index, value] of values.entries()) await step(`value:${index}`, async () => written(value));
