/** Decides which options those have who offer the tools. */
import { flag, optionRule, type RulesOf } from '../../call-options.ts'
import type { EmbedTexts } from '../../index.ts'

export interface MemoryToolOptions {
  /** Embeds texts, so that memories are also found by what they mean. @default the model of the store, if it has one */
  readonly embed?: EmbedTexts | undefined
  /** Whether there are only the tools that look; then nothing that they answer counts as read. @default false */
  readonly readOnly?: boolean | undefined
}

export const TOOL_RULES = {
  embed: optionRule((value) => (typeof value === 'function' ? (value as EmbedTexts) : undefined), 'a function'),
  readOnly: flag,
} satisfies RulesOf<MemoryToolOptions>
