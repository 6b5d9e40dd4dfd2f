/**
 * Defines the history of a chat for LangChain: a chunk for each message, all of one session under one `documentId`, in
 * the order of their versions. A message is kept as LangChain writes it, and its text beside that, to be searched.
 */
import { BaseListChatMessageHistory } from '@langchain/core/chat_history'
import { type BaseMessage, mapStoredMessagesToChatMessages, type StoredMessage } from '@langchain/core/messages'
import { defineCall, lifetime, nonEmptyText, type RulesOf } from '../../call-options.ts'
import { type Durability, type Duration, type NamespaceView, ThermoclineError } from '../../index.ts'
import { storableText } from '../in-common/storable-text.ts'
import { durability, homeOf, type KeptIn, keptIn } from './kept-in.ts'

/** Messages of all sessions are in `langchain/chats` unless `namespace` says otherwise. */
export interface ChatMessageHistoryOptions extends KeptIn {
  /** Any text of 1 to 512 bytes. */
  readonly sessionId: string
  /** How long a message lives: milliseconds or a text like `'30d'`. @default for good */
  readonly ttl?: Duration | undefined
  /** What adding and clearing wait for. With `'wal'` other processes see it a second later. @default 'cold' */
  readonly durability?: Durability | undefined
}

const checkOptions = defineCall('ThermoclineChatMessageHistory', {
  ...keptIn,
  sessionId: nonEmptyText,
  ttl: lifetime,
  durability,
} satisfies RulesOf<ChatMessageHistoryOptions>)

export class ThermoclineChatMessageHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['langchain', 'stores', 'message', 'thermocline']
  readonly #chunks: NamespaceView['chunks']
  readonly #sessionId: string
  readonly #ttl: number | undefined
  readonly #durability: Durability

  constructor(options: ChatMessageHistoryOptions) {
    super()
    const { sessionId, ttl, durability = 'cold', ...kept } = checkOptions(options)
    this.#chunks = homeOf('ThermoclineChatMessageHistory', kept, ['langchain', 'chats']).chunks
    if (sessionId === undefined) {
      const message = 'ThermoclineChatMessageHistory needs the option `sessionId`'
      throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'sessionId' })
    }
    this.#sessionId = sessionId
    this.#ttl = ttl
    this.#durability = durability
  }

  async getMessages(): Promise<BaseMessage[]> {
    const where = { documentId: this.#sessionId }
    const stored: StoredMessage[] = []
    for await (const { metadata } of this.#chunks.findAll({ where, orderBy: 'version', select: ['metadata'] }))
      stored.push(JSON.parse((metadata as { readonly message: string }).message))
    return mapStoredMessagesToChatMessages(stored)
  }

  addMessage(message: BaseMessage): Promise<void> {
    return this.addMessages([message])
  }

  override async addMessages(messages: BaseMessage[]): Promise<void> {
    const chunks = messages.map((message) => {
      const stored = message.toDict()
      // As JSON, which has an escape for what no text of an entry may hold.
      const metadata = { type: stored.type, message: JSON.stringify(stored) }
      return { documentId: this.#sessionId, text: storableText(message.text), metadata, ttl: this.#ttl }
    })
    await this.#chunks.putMany(chunks, { durability: this.#durability })
  }

  /** Deletes the messages of this session. */
  override async clear(): Promise<void> {
    await this.#chunks.deleteDocument(this.#sessionId, { durability: this.#durability })
  }
}
