// Hashes of metadata as polkadot-api computes them: node metadata-hash.mjs FILE
//
// FILE holds [{name, metadata, decimals, tokenSymbol}].
import { step } from './report.mjs';
import { readFileSync } from 'node:fs';
import { merkleizeMetadata } from '@polkadot-api/merkleize-metadata';

for (const { name, metadata, ...token } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  await step(name, async () => {
    const bytes = Uint8Array.from(Buffer.from(metadata.slice(2), 'hex'));
    return { hash: '0x' + Buffer.from(merkleizeMetadata(bytes, token).digest()).toString('hex') };
  });
}
