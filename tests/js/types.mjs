// The SCALE types of the worker's own JS client, from the package of its authors.
//
// @encointer/types is published as TypeScript only, so it is bundled first (40 ms). It is GPL-3.0-or-later, like
// its sibling @encointer/util: used here, in a process of its own, to test against; part of nothing that is shipped.
import { fileURLToPath } from 'node:url';
import { TypeRegistry } from '@polkadot/types';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Types that the worker serves and that package does not know. */
const MISSING = {
  SidechainHeader: {
    parent_hash: 'H256',
    block_number: 'u64',
    shard_id: 'H256',
    block_data_hash: 'H256',
    next_finalization_block_number: 'u64',
  },
};

export async function workerRegistry() {
  const bundle = here('build/encointer-types.mjs');
  await build({
    entryPoints: [here('node_modules/@encointer/types/src/index.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { '@encointer/util': here('node_modules/@encointer/util/src/index.ts') },
    external: ['@polkadot/*', 'bn.js', 'bs58'],
  });
  const { default: encointer } = await import(bundle);
  const registry = new TypeRegistry();
  registry.register({ ...encointer.types, ...MISSING });
  return registry;
}
