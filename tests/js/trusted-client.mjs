// A client of the trusted RPC, made of npm packages: JSON-RPC over a TLS websocket, SCALE by @polkadot/types,
// shielding by WebCrypto. It takes the habits of the worker's own JS client: numeric ids, requests of one parameter
// at most, ciphertexts of a single RSA block, and watches that end with the first status that is not about waiting.
import { webcrypto } from 'node:crypto';
import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import websocket from 'websocket';

const WAITING = ['Submitted', 'Future', 'Ready', 'BroadCast'];

/** Length of an RSA-3072 block. */
export const KEY_BYTES = 384;

export class TrustedClient {
  #socket;
  #registry;
  #id = 0;
  #replies = new Map();
  #updates = new Map();

  constructor(socket, registry) {
    this.#socket = socket;
    this.#registry = registry;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /** The certificate is the enclave's own, signed by nobody else. */
  static connect(url, registry) {
    return new Promise((resolve, reject) => {
      const socket = new websocket.w3cwebsocket(url, undefined, undefined, undefined, { rejectUnauthorized: false });
      socket.onopen = () => resolve(new TrustedClient(socket, registry));
      socket.onerror = reject;
    });
  }

  close() {
    this.#socket.close();
  }

  create(type, value) {
    return this.#registry.createType(type, value);
  }

  // -- requests -----------------------------------------------------------------------------------------

  /** The whole reply: {result} or {error}, and {reason} beside a result that tells of a failure. */
  call(method, ...params) {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#replies.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, jsonrpc: '2.0', method, params }));
    });
  }

  /** The `value` of the RpcReturnValue a method answers with. */
  async query(method, ...params) {
    const { result, error } = await this.call(method, ...params);
    if (error) throw new Error(`${method}: ${error.message}`);
    const answer = this.create('RpcReturnValue', hexToU8a(result));
    if (answer.status.isError) throw new Error(`${method}: ${this.create('Text', answer.value.toU8a(true))}`);
    return answer.value.toU8a(true);
  }

  /** What the worker says of itself, once. */
  async meet() {
    const [keyText, fingerprint, shard] = [
      this.create('Text', await this.query('author_getShieldingKey')).toString(),
      await this.query('author_getFingerprint'),
      await this.query('author_getShard'),
    ];
    const key = JSON.parse(keyText);
    Object.assign(this, { key, keyText, fingerprint, shard });
    this.shieldingKey = await importKey(key);
  }

  // -- getters ------------------------------------------------------------------------------------------

  publicGetter(getter) {
    return this.create('IntegriteeGetter', { public: this.create('IntegriteePublicGetter', getter) });
  }

  /** `wrap` stands for browser extensions, which sign nothing but text between <Bytes> tags. */
  trustedGetter(getter, pair, { wrap = false } = {}) {
    const unsigned = this.create('IntegriteeTrustedGetter', getter);
    const signature = sign(pair, unsigned.toU8a(), wrap);
    const signed = this.create('IntegriteeTrustedGetterSigned', { getter: unsigned, delegate: null, signature });
    return this.create('IntegriteeGetter', { trusted: signed });
  }

  /** The reply to a getter; getters travel in the clear within TLS. */
  ask(getter) {
    return this.call('state_executeGetter', this.request(getter.toU8a()));
  }

  /** The value a getter returns, as `type`; undefined where there is none. */
  async get(getter, type) {
    const { result } = await this.ask(getter);
    const answer = this.create('RpcReturnValue', hexToU8a(result));
    if (answer.status.isError) throw new Error(`getter: ${this.create('Text', answer.value.toU8a(true))}`);
    const value = this.create('Option<Bytes>', answer.value.toU8a(true));
    return value.isSome ? this.create(type, value.unwrap().toU8a(true)) : undefined;
  }

  // -- calls --------------------------------------------------------------------------------------------

  /** A direct trusted operation, signed by the sender. */
  operation(call, nonce, pair, { wrap = false } = {}) {
    const unsigned = this.create('IntegriteeTrustedCall', call);
    const number = this.create('u32', nonce);
    const payload = u8aConcat(unsigned.toU8a(), number.toU8a(), this.fingerprint, this.shard);
    const signature = sign(pair, payload, wrap);
    const signed = this.create('IntegriteeTrustedCallSigned', { call: unsigned, nonce, delegate: null, signature });
    return this.create('IntegriteeTrustedOperation', { direct_call: signed });
  }

  /** RSA-OAEP with SHA-256, one block. */
  async shield(operation) {
    const sealed = await webcrypto.subtle.encrypt({ name: 'RSA-OAEP' }, this.shieldingKey, operation.toU8a());
    return new Uint8Array(sealed);
  }

  /** Hex of a Request. Byte vectors are given as hex: @polkadot/types takes bytes for an encoded vector. */
  request(cyphertext, shard = this.shard) {
    return this.create('Request', { shard, cyphertext: u8aToHex(cyphertext) }).toHex();
  }

  /**
   * Submit and watch until the operation need not be waited for any more.
   *
   * {hash, statuses, block, reason}, or {refused, reason} if it was not taken.
   */
  async watch(cyphertext, shard) {
    const { result, reason } = await this.call('author_submitAndWatchExtrinsic', this.request(cyphertext, shard));
    if (result.length !== '0x'.length + 64) {
      const answer = this.create('RpcReturnValue', hexToU8a(result));
      return { refused: this.create('Text', answer.value.toU8a(true)).toString(), status: answer.status.type, reason };
    }
    const statuses = [];
    for await (const update of this.#watched(result)) {
      const status = this.create('DirectRequestStatus', hexToU8a(update.result)).asTrustedOperationStatus;
      statuses.push(status.type);
      if (!WAITING.includes(status.type)) {
        const block = status.isInSidechainBlock ? status.asInSidechainBlock.toHex() : null;
        return { hash: result, statuses, block, reason: update.reason };
      }
    }
    throw new Error('the watch ended without a status');
  }

  // -- frames -------------------------------------------------------------------------------------------

  #receive(message) {
    if (message.params === undefined) {
      this.#replies.get(message.id)?.(message);
      this.#replies.delete(message.id);
    } else {
      this.#channel(message.params.subscription).push(message.params);
    }
  }

  /** Updates may come before the reply that names their subscription. */
  #channel(subscription) {
    if (!this.#updates.has(subscription)) this.#updates.set(subscription, new Channel());
    return this.#updates.get(subscription);
  }

  async *#watched(subscription) {
    const channel = this.#channel(subscription);
    for (;;) yield await channel.take();
  }
}

/** An unbounded queue with one reader. */
class Channel {
  #values = [];
  #reader;

  push(value) {
    if (this.#reader) {
      this.#reader(value);
      this.#reader = undefined;
    } else {
      this.#values.push(value);
    }
  }

  take() {
    if (this.#values.length) return Promise.resolve(this.#values.shift());
    return new Promise((resolve) => (this.#reader = resolve));
  }
}

/** A MultiSignature: pair.sign puts the kind of key in front. */
function sign(pair, payload, wrap) {
  const message = wrap ? u8aConcat('<Bytes>', payload, '</Bytes>') : payload;
  return pair.sign(message, { withType: true });
}

/** Key parts come as little-endian bytes; WebCrypto wants them big-endian in base64url, without leading zeros. */
function importKey({ n, e }) {
  const part = (bytes) => Buffer.from(bytes).reverse().toString('base64url');
  const significant = e.slice(0, e.findLastIndex((byte) => byte !== 0) + 1);
  const jwk = { kty: 'RSA', alg: 'RSA-OAEP-256', ext: true, n: part(n), e: part(significant) };
  return webcrypto.subtle.importKey('jwk', jwk, { name: 'RSA-OAEP', hash: 'SHA-256' }, false, ['encrypt']);
}

/** What becomes of a ciphertext that goes through a big number, as in the worker's own JS client. */
export const withoutLeadingZeros = (cyphertext) => cyphertext.subarray(cyphertext.findIndex((byte) => byte !== 0));
