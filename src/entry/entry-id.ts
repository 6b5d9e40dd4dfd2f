/** Decides the id of an entry: derived from its key where it has one, else new. */
import { hash, randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

/** Root of the ids derived from keys. Fixed for ever: two backends must derive the same id. */
const KEY_ID_ROOT = Buffer.from('5f0c1c4e6f0a5c539d0f0d1a52a3b8f1', 'hex')

/** The system is asked for the random bytes of so many ids at once: each question takes longer than making an id. */
const IDS_DRAWN = 256
const ID_BYTES = 16
const drawn = Buffer.alloc(IDS_DRAWN * ID_BYTES)
let used = drawn.length

/** Of the newest id: ids of one millisecond are in the order in which they were made, as ids of two are. */
const newest = { msecs: 0, seq: 0 }

/**
 * Returns the id of the entry with this key, which must be valid, in this namespace: a UUID v5, made with one call of
 * the system's hash, which takes a tenth of what an object for hashing does.
 */
export function idOfKey(namespace: string, key: string): string {
  return derivedId(`${namespace}\0${key}`)
}

/**
 * Returns the id of the `nth` chunk with this text in this document: whoever ingests the same document anew names the
 * same chunks.
 */
export function idOfChunk(namespace: string, documentId: string, text: string, nth: number): string {
  return derivedId(`${namespace}\0${documentId}\0${nth}\0${text}`)
}

/** No part but the last of three or more holds NUL, so no two lists of parts give the same name. */
function derivedId(name: string): string {
  const hex = hash('sha1', Buffer.concat([KEY_ID_ROOT, Buffer.from(name)]), 'hex')
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, variant + hex.slice(18, 20)]
  return `${parts.join('-')}-${hex.slice(20, 32)}`
}

/** Returns an id that no other entry has, a UUID v7. */
export function newId(): string {
  const random = drawBytes()
  const now = Date.now()
  if (now > newest.msecs) {
    newest.msecs = now
    // Half of the range is left to count up in.
    newest.seq = random.readUInt32BE(6) >>> 1
  } else {
    newest.seq = (newest.seq + 1) >>> 0
    if (newest.seq === 0) newest.msecs++
  }
  return uuidv7({ random, msecs: newest.msecs, seq: newest.seq })
}

/** Random bytes that nobody else gets. */
function drawBytes(): Buffer {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += ID_BYTES
  return drawn.subarray(used - ID_BYTES, used)
}
