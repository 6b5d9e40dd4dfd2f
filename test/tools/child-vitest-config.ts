/** Of {@link ./child-vitest.ts}. */
export default {
  // What a suite of the package declares is patient by itself; a test of a user's own, here too, has five seconds else.
  test: { include: ['**/*.js'], exclude: [], testTimeout: 300_000 },
}
