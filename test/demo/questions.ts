/** What a user might ask of the default corpus, in a user's words, and the one document that answers it. */
export interface Question {
  readonly text: string
  readonly document: string
}

export const QUESTIONS: readonly Question[] = [
  { text: 'How do I insert many rows into a table with a single query?', document: 'postgres/README.md' },
  { text: 'How do I get told when another database client sends a notification?', document: 'postgres/README.md' },
  { text: 'How can I stop an SQL query that is already running?', document: 'postgres/README.md' },
  {
    text: 'How do I run several SQL statements so that all of them or none take effect?',
    document: 'postgres/README.md',
  },
  {
    text: 'What happens when the connection to Redis is lost, and how do I control the retries?',
    document: 'ioredis/README.md',
  },
  { text: 'How do I send many Redis commands in one round trip?', document: 'ioredis/README.md' },
  { text: 'How can I define my own Redis command with a Lua script?', document: 'ioredis/README.md' },
  { text: 'How do I walk over all keys in Redis without blocking the server?', document: 'ioredis/README.md' },
  {
    text: 'How do I keep a scheduled job from starting while its last run is still going?',
    document: 'croner/README.md',
  },
  { text: 'How do I run a cron job in the time zone of another city?', document: 'croner/README.md' },
  { text: 'When will my scheduled task run the next time?', document: 'croner/README.md' },
  { text: 'Which kind of UUID sorts by the time it was made?', document: 'uuid/README.md' },
  { text: 'How can I check that a string is a valid UUID?', document: 'uuid/README.md' },
  { text: 'How do I show several progress bars below each other?', document: 'cli-progress/README.md' },
  { text: 'How do I hide passwords and other secrets from my log lines?', document: 'pino/docs/redaction.md' },
  { text: 'How can I rotate my log files every day?', document: 'pino/docs/help.md' },
  { text: 'Can log messages get lost in a crash when logging is asynchronous?', document: 'pino/docs/asynchronous.md' },
  { text: 'Can I run Postgres in the browser without a server?', document: '@electric-sql/pglite/README.md' },
  { text: 'How do I compute the checksum of a buffer or a string?', document: 'crc-32/README.md' },
  {
    text: 'How do I check that untrusted input has the shape I expect and get its TypeScript type?',
    document: 'zod/README.md',
  },
]
