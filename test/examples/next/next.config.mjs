/** @type {import('next').NextConfig} */
export default {
  // What is to be deployed, with no more of node_modules than it needs.
  output: 'standalone',
  // The embedded database is a program with files of its own: no bundle can hold it, and no trace of imports finds it.
  serverExternalPackages: ['thermocline'],
  outputFileTracingIncludes: { '/**': ['./node_modules/@electric-sql/**'] },
}
