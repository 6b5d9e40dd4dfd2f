/**
 * Names the Postgres schema, apart from its tables (schema.ts): their types load drizzle, which the users of the name
 * alone do not need.
 */
export const SCHEMA_NAME = 'thermocline'
