/** Writes several entries within what the store takes at once; what the entries are is decided by those who call it. */
import type { NamespaceView, Operation, Receipt } from '../../index.ts'

/** What is written at once, at most; the store takes no more than 8 MiB and 1 000 entries. */
const AT_ONCE = { bytes: 6 * 1024 * 1024, operations: 1_000 }
/** What an entry takes besides what is counted, about. */
const OVERHEAD_BYTES = 1024

/**
 * Writes all or none where that fits the limits of the store. What is larger is written in order, the last operation
 * with the last of them: nobody looks for the others before it is there. Answers in order.
 */
export async function writeInOrder(view: NamespaceView, operations: readonly Operation[]): Promise<Receipt[]> {
  const receipts: Receipt[] = []
  let group: Operation[] = []
  let bytes = 0
  for (const operation of operations) {
    const size = sizeOf(operation)
    if (group.length > 0 && (bytes + size > AT_ONCE.bytes || group.length === AT_ONCE.operations)) {
      receipts.push(...(await view.write(group, { atomic: true })))
      group = []
      bytes = 0
    }
    group.push(operation)
    bytes += size
  }
  receipts.push(...(await view.write(group, { atomic: true })))
  return receipts
}

/** Whether they are written all or none. */
export function fitsAtOnce(operations: readonly Operation[]): boolean {
  const bytes = operations.reduce((sum, operation) => sum + sizeOf(operation), 0)
  return operations.length <= AT_ONCE.operations && bytes <= AT_ONCE.bytes
}

function sizeOf(operation: Operation): number {
  if (!('put' in operation)) return OVERHEAD_BYTES
  const { put } = operation
  const content = put.kind === 'blob' ? put.bytes.length : 0
  const vector = 'embedding' in put ? 4 * (put.embedding?.length ?? 0) : 0
  return OVERHEAD_BYTES + content + vector + Buffer.byteLength(JSON.stringify(put.metadata ?? {}))
}
