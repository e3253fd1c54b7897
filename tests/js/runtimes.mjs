// Extrinsics of real runtimes as polkadot-js makes them: node runtimes.mjs FILE
//
// FILE holds {runtimes: [{name, metadata, cases: [{label, remark, era, nonce, tip, asset, metadataHash}]}],
// signer, genesisHash, blockHash, specVersion, transactionVersion}. The signature is made up.
import { step } from './report.mjs';
import { readFileSync } from 'node:fs';
import { expandMetadata, Metadata, TypeRegistry } from '@polkadot/types';
import { u8aToHex } from '@polkadot/util';

const { runtimes, signer, ...chain } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const SIGNATURE = '0x01' + '5a'.repeat(64);

function signed(registry, remark, { era, nonce, tip, asset, metadataHash }) {
  const options = {
    ...chain, era, nonce, tip, assetId: asset, metadataHash, mode: metadataHash === null ? 0 : 1, method: remark.toHex(),
  };
  const payload = registry.createType('ExtrinsicPayload', options, { version: 4 });
  const extrinsic = registry.createType('Extrinsic', remark, { version: 4 });
  extrinsic.addSignature(signer, SIGNATURE, options);
  return { payload: u8aToHex(payload.toU8a(true)), extrinsic: extrinsic.toHex() };
}

/** polkadot-js takes every asset for a location unless it is told what the chain says. */
function registerAssets(registry, { extrinsic: { transactionExtensions } }) {
  const payment = transactionExtensions.find(({ identifier }) => identifier.eq('ChargeAssetTxPayment'));
  if (payment === undefined) return;
  const asset = registry.lookup.getSiType(payment.type).def.asComposite.fields.find(({ name }) => name.eq('asset_id'));
  registry.register({ TAssetConversion: registry.createLookupType(asset.type) });
}

for (const { name, metadata: bytes, cases } of runtimes) {
  await step(name, async () => {
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, bytes);
    registry.setMetadata(metadata);
    registerAssets(registry, metadata.asLatest);
    const { tx } = expandMetadata(registry, metadata);
    const made = cases.map((one) => [one.label, signed(registry, tx.system.remark(one.remark), one)]);
    return { version: metadata.version, extensions: registry.signedExtensions, cases: Object.fromEntries(made) };
  });
}
