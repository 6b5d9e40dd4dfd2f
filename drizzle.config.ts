import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/cold/schema.ts',
  out: './drizzle',
  // The same names as in src/cold/migrations.ts.
  migrations: { schema: 'thermocline', table: 'migrations' },
})
