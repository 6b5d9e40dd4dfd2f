/** Apart from the tables, whose types take drizzle to load: what only names the schema does without. */
export const SCHEMA_NAME = 'thermocline'
