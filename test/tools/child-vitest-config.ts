/** Of {@link ./child-vitest.ts}. */
export default {
  test: { include: ['**/*.js'], exclude: [] },
}
