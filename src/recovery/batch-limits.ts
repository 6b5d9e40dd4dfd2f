/**
 * Rows, and bytes of their payload, of one transaction that ships a log to cold: in a recovery (log-entries.ts), and by
 * a checkpoint that is in a hurry (sync/catch-up.ts). Large enough for COPY to pay, small enough to be sent again.
 */
export const SHIP_LIMITS = { rows: 1_000, bytes: 8 * 1024 * 1024 }
