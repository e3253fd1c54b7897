// Blocks executed once more by chopsticks, on its own executor and storage: node replay.mjs INPUT.json
//
// The input is {spec, blocks: [{header, extrinsics}]}: a raw chain specification, and per block the SCALE header it
// was begun with and all its extrinsics, inherents included, in hex. Per block it reports what the runtime answered,
// and all that is in the state afterwards; stock chopsticks begins blocks with headers and inherents of its own making.
import { readFileSync } from 'node:fs';

process.env.LOG_LEVEL ??= 'fatal'; // chopsticks would log to standard output, from a thread
const { step } = await import('./report.mjs');
const { Api, Block, Blockchain, BuildBlockMode, GenesisProvider, calculateStateRoot, destroyWorker } = await import(
  '@acala-network/chopsticks-core'
);

const PAGE = 1000;

const { spec, blocks } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

async function allPairs(block) {
  const pairs = [];
  for (let startKey = '0x', keys; keys === undefined || keys.length === PAGE; startKey = keys.at(-1)) {
    keys = await block.getKeysPaged({ prefix: '0x', pageSize: PAGE, startKey });
    for (const key of keys) pairs.push([key, await block.get(key)]);
  }
  return pairs;
}

/** A runtime call whose changes stay in the block; its answer, and how long it took. */
async function call(block, name, argument) {
  const begun = performance.now();
  const { result, storageDiff } = await block.call(name, argument === undefined ? [] : [argument]);
  block.pushStorageLayer().setAll(storageDiff);
  return { result, ms: performance.now() - begun };
}

async function execute(parent, { header, extrinsics }) {
  const block = new Block(parent.chain, parent.number + 1, header, undefined, { storage: parent.storage });
  const begun = await call(block, 'Core_initialize_block', header);
  const applied = [];
  for (const extrinsic of extrinsics) applied.push(await call(block, 'BlockBuilder_apply_extrinsic', extrinsic));
  const ended = await call(block, 'BlockBuilder_finalize_block');
  return {
    block,
    header: ended.result,
    outcomes: applied.map(({ result }) => result),
    milliseconds: [begun, ...applied, ended].map(({ ms }) => ms),
  };
}

const provider = new GenesisProvider(spec);
const api = new Api(provider);
await api.isReady;
const genesis = { hash: provider.blockHash, number: 0 };
const chain = new Blockchain({ api, buildBlockMode: BuildBlockMode.Manual, inherentProviders: [], header: genesis });

let head = chain.head;
for (const order of blocks) {
  await step(`block ${head.number + 1}`, async () => {
    const { block, ...facts } = await execute(head, order);
    head = block;
    const { stateVersion } = await block.runtimeVersion;
    const state = await allPairs(block);
    return { ...facts, state, state_root: await calculateStateRoot(state, stateVersion) };
  });
}
await destroyWorker();
