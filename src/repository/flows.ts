import type { ChildVersions } from '../flow/child-versions.ts'
import type { CompareAndSet } from '../flow/compare-and-set.ts'
import type { DocumentReader } from '../flow/document-reader.ts'
import type { DocumentWriter } from '../flow/document-writer.ts'
import type { Eraser } from '../flow/eraser.ts'
import type { Explainer } from '../flow/explainer.ts'
import type { Exporter } from '../flow/exporter.ts'
import type { Importer } from '../flow/importer.ts'
import type { NamespaceMeter } from '../flow/namespace-meter.ts'
import type { NamespaceReader } from '../flow/namespace-reader.ts'
import type { Reader } from '../flow/reader.ts'
import type { Reembedder } from '../flow/reembedder.ts'
import type { Searcher } from '../flow/searcher.ts'
import type { StaleNodes } from '../flow/stale-nodes.ts'
import type { TreeReader } from '../flow/tree-reader.ts'
import type { TreeSearcher } from '../flow/tree-searcher.ts'
import type { Vectors } from '../flow/vectors.ts'
import type { WhereChanger } from '../flow/where-changer.ts'
import type { Writer } from '../flow/writer.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Pins } from '../sync/pins.ts'
import type { RefusedWrites } from '../sync/refused-writes.ts'
import type { Previewer } from '../sync/sync-preview.ts'
import type { TierMoves } from '../sync/tier-moves.ts'
import type { CallGate } from './call-gate.ts'

/** @internal The flows and other parts that the calls of every repository of a store use. */
export interface Flows {
  readonly writer: Writer
  readonly changes: CompareAndSet
  readonly reader: Reader
  readonly searcher: Searcher
  readonly documents: DocumentReader
  readonly trees: TreeReader
  readonly childVersions: ChildVersions
  readonly staleNodes: StaleNodes
  readonly treeSearcher: TreeSearcher
  readonly namespaces: NamespaceReader
  readonly meter: NamespaceMeter
  readonly vectors: Vectors
  /** Undefined: there is no model to move from. */
  readonly reembedder: Reembedder | undefined
  readonly documentWriter: DocumentWriter
  readonly whereChanger: WhereChanger
  readonly eraser: Eraser
  readonly explainer: Explainer
  readonly exporter: Exporter
  readonly importer: Importer
  readonly moves: TierMoves
  readonly pins: Pins
  readonly previewer: Previewer
  readonly refusedWrites: RefusedWrites
  readonly gate: CallGate
  readonly clock: Clock
}
