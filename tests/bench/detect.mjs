// How fast the detector reads in V8: node detect.mjs MODULE.wasm FILE...
//
// Each file is repeated to 64 KiB, about what a long prompt has, and looked through again and again; of nine rounds the median
// counts. Prints megabytes a second of one core, for every type redacted, for every type allowed, with 50 patterns of the policy's
// own, with a dictionary of 20,000 terms, and for a pass that only reads.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const [, , module, ...files] = process.argv;
if (!module || files.length === 0) {
  console.error('usage: node detect.mjs MODULE.wasm FILE...');
  process.exit(2);
}

const compiled = await WebAssembly.compile(readFileSync(module));
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(compiled)) {
  (imports[from] ??= {})[name] = () => 0;
}
const { exports: bench } = await WebAssembly.instantiate(compiled, imports);
bench._initialize?.();

const SIZE = 64 << 10;
const ROUNDS = 9;

function load(bytes) {
  const at = bench.text_of(bytes.length);
  new Uint8Array(bench.memory.buffer, at, bytes.length).set(bytes);
}

function megabytesPerSecond(run, size) {
  let times = 1;
  const time = () => {
    const start = process.cpuUsage().user;
    run(times);
    return process.cpuUsage().user - start;
  };
  while (time() < 100_000) times *= 2; // at least 0.1 s, and V8's second compiler has come by then
  const rates = Array.from({ length: ROUNDS }, () => (size * times) / time()).sort((a, b) => a - b);
  return rates[ROUNDS >> 1];
}

const before = bench.memory.buffer.byteLength;
bench.detector_of(0);
console.log(`memory: ${(before / 1048576).toFixed(1)} MiB before a detector, ${(bench.memory.buffer.byteLength / 1048576).toFixed(1)} MiB with one`);
for (const [kind, name] of [[2, '50 patterns'], [3, '20,000 terms']]) {
  const start = performance.now();
  const bytes = bench.detector_of(kind);
  console.log(`${name}: ready in ${(performance.now() - start).toFixed(0)} ms, dictionaries take ${(bytes / 1048576).toFixed(1)} MiB`);
}
console.log('MB/s'.padEnd(24), 'redact'.padStart(8), 'allow'.padStart(8), 'patterns'.padStart(8), 'terms'.padStart(8), 'read'.padStart(8), 'findings/KiB'.padStart(13));
for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const bytes = new TextEncoder().encode(text.repeat(Math.max(1, Math.ceil(SIZE / Buffer.byteLength(text)))));
  load(bytes);
  bench.detector_of(0);
  const found = bench.find(1);
  const redact = megabytesPerSecond((n) => bench.find(n), bytes.length);
  bench.detector_of(1);
  const allow = megabytesPerSecond((n) => bench.find(n), bytes.length);
  bench.detector_of(2);
  const patterns = megabytesPerSecond((n) => bench.find(n), bytes.length);
  bench.detector_of(3);
  const terms = megabytesPerSecond((n) => bench.find(n), bytes.length);
  const read = megabytesPerSecond((n) => bench.read(n), bytes.length);
  const shown = [redact, allow, patterns, terms, read].map((rate) => rate.toFixed(0).padStart(8));
  console.log(basename(file).padEnd(24), ...shown, ((found * 1024) / bytes.length).toFixed(2).padStart(13));
}
