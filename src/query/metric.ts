/** Decides the score of two vectors, for each metric. */
export type Metric = 'cosine' | 'l2' | 'inner-product'

/**
 * Scores two vectors of the same length; higher is nearer. Every score that is answered comes from here, whichever tier
 * found the entry: databases sum in single precision, which is enough to find the nearest and too little to compare.
 */
export function similarity(metric: Metric, a: Float32Array, b: Float32Array): number {
  switch (metric) {
    case 'cosine':
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    case 'inner-product':
      return dot(a, b)
    case 'l2':
      return -Math.sqrt(squaredDistance(a, b))
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}
