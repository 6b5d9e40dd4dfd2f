/**
 * Decides what one record of the log holds: one entry record, or several that count together or not at all. Several are
 * a msgpack array of the bytes of each; since they are one record of the log, no crash, no damage and no boundary
 * between two batches separates them.
 */
import { Decoder } from '@msgpack/msgpack'
import { decodeRecord, encodeRecord, UndecodableRecord } from './codec.ts'
import { MAX_HEADER_BYTES, MsgpackWriter } from './msgpack-writer.ts'
import type { EntryRecord } from './record.ts'
import { ZERO_VERSION } from './version.ts'

export type LogValue = EntryRecord | readonly EntryRecord[]

const decoder = new Decoder()

export function entriesIn(logged: LogValue): readonly EntryRecord[] {
  return isBundle(logged) ? logged : [logged]
}

/**
 * Returns what the records take in the log. It has to be known before cold has decided: texts count as they are
 * written, so by characters a bundle may seem to fit that the log then refuses.
 */
export function bundleBytes(records: readonly Omit<EntryRecord, 'version'>[]): number {
  const payloads = records.map((record) => encodeRecord({ ...record, version: ZERO_VERSION }))
  return payloads.reduce((sum, { byteLength }) => sum + byteLength + MAX_HEADER_BYTES, 0)
}

/** @param payloads the bytes of each. */
export function encodeBundle(payloads: readonly Uint8Array[]): Uint8Array {
  const sizes = payloads.map(({ byteLength }) => byteLength + MAX_HEADER_BYTES)
  const writer = new MsgpackWriter(sizes.reduce((sum, size) => sum + size, MAX_HEADER_BYTES))
  writer.array(payloads.length)
  for (const payload of payloads) writer.bytes(payload)
  return writer.end()
}

/** Reads bytes that {@link encodeBundle} made; throws {@link UndecodableRecord} for any others. */
export function decodeBundle(encoded: Uint8Array): EntryRecord[] {
  let payloads: unknown
  try {
    payloads = decoder.decode(encoded)
  } catch (cause) {
    throw new UndecodableRecord('the payload is not msgpack', { cause })
  }
  if (!Array.isArray(payloads)) throw new UndecodableRecord('the payload is no bundle of entries')
  return payloads.map((payload) => decodeRecord(payload as Uint8Array))
}

function isBundle(logged: LogValue): logged is readonly EntryRecord[] {
  return Array.isArray(logged)
}
