/** Numbers that every tier holds alike. */

/** Largest `integer` in Postgres. */
export const MAX_INT4 = 2_147_483_647

/** Last millisecond of year 9999: beyond it Date and Postgres no longer agree on text forms. */
export const MAX_TIME = 253_402_300_799_999
