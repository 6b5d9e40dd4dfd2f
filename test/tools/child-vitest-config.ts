/** Of {@link ./child-vitest.ts}. */
export default {
  test: { include: ['**/*.js'], exclude: [], testTimeout: 120_000, hookTimeout: 120_000 },
}
