/**
 * Scans a log and prints `RECORDS MEGABYTES`: what it read, and by how much the memory of this process grew meanwhile.
 */
import { filesIn } from '../../src/wal/log-files.ts'
import { LogScan } from '../../src/wal/log-scan.ts'
import { peakMemory } from '../tools/peak-memory.ts'

const [path, walId, mode] = process.argv.slice(2)
const kept: Uint8Array[] = []
const before = peakMemory()
const scan = new LogScan({ path: path!, walId: walId!, files: filesIn(path!) }, { salvage: true })
for await (const { payload } of scan) if (mode === 'keep') kept.push(payload)
const megabytes = peakMemory() - before
console.log(`${scan.report.records} ${megabytes}`)
