interface Node<K> {
  readonly key: K
  readonly priority: number
}

/** A binary min-heap whose keys can be moved and removed, each in O(log n). Keys of one priority come in any order. */
export class KeyedHeap<K> {
  readonly #nodes: Node<K>[] = []
  readonly #places = new Map<K, number>()

  /** Adds the key, or moves it to its new priority. */
  set(key: K, priority: number): void {
    const place = this.#places.get(key) ?? this.#nodes.length
    this.#settle(place, { key, priority })
  }

  delete(key: K): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    this.#places.delete(key)
    const last = this.#nodes.pop()
    if (last !== undefined && last.key !== key) this.#settle(place, last)
  }

  clear(): void {
    this.#nodes.length = 0
    this.#places.clear()
  }

  /**
   * Up to `limit` keys whose priority is at most `max`, smallest first; the heap stays as it is. Looks only at the
   * answer and its children, so the cost is that of the answer: O(limit · log limit).
   */
  smallest(limit: number, max: number): K[] {
    const found: K[] = []
    const frontier = new KeyedHeap<number>()
    const consider = (place: number): void => {
      const node = this.#nodes[place]
      if (node !== undefined && node.priority <= max) frontier.set(place, node.priority)
    }
    consider(0)
    while (found.length < limit) {
      const place = frontier.#nodes[0]?.key
      if (place === undefined) break
      frontier.delete(place)
      found.push(this.#nodes[place]!.key)
      consider(2 * place + 1)
      consider(2 * place + 2)
    }
    return found
  }

  /** Up to `limit` different keys, each as likely as any other. Costs what it answers. */
  draw(limit: number): K[] {
    const count = Math.min(limit, this.#nodes.length)
    // Of a list that is shuffled no further than it is asked for; only what was exchanged is remembered.
    const exchanged = new Map<number, number>()
    return Array.from({ length: count }, (_, from) => {
      const drawn = from + Math.floor(Math.random() * (this.#nodes.length - from))
      const place = exchanged.get(drawn) ?? drawn
      exchanged.set(drawn, exchanged.get(from) ?? from)
      return this.#nodes[place]!.key
    })
  }

  /** Puts the node where it belongs, given that everything else is in order and `place` is free for it. */
  #settle(place: number, node: Node<K>): void {
    this.#put(this.#sink(this.#rise(place, node), node), node)
  }

  /** Moves parents down until the free place is below none that is greater; returns where it is then. */
  #rise(place: number, node: Node<K>): number {
    while (place > 0) {
      const above = (place - 1) >>> 1
      const parent = this.#nodes[above]!
      if (parent.priority <= node.priority) break
      this.#put(place, parent)
      place = above
    }
    return place
  }

  /** Moves children up until the free place is above none that is smaller; returns where it is then. */
  #sink(place: number, node: Node<K>): number {
    for (;;) {
      const left = 2 * place + 1
      const right = left + 1
      const below = this.#isSmaller(right, left) ? right : left
      const child = this.#nodes[below]
      if (child === undefined || node.priority <= child.priority) return place
      this.#put(place, child)
      place = below
    }
  }

  #isSmaller(a: number, b: number): boolean {
    const [x, y] = [this.#nodes[a], this.#nodes[b]]
    return x !== undefined && y !== undefined && x.priority < y.priority
  }

  #put(place: number, node: Node<K>): void {
    this.#nodes[place] = node
    this.#places.set(node.key, place)
  }
}
