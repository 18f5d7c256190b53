package wecomtest

// recent is a map that drops its oldest keys beyond a size, so that callers cannot fill the memory.
type recent[K comparable, V any] struct {
	size   int
	values map[K]V
	order  []K // oldest first
}

func newRecent[K comparable, V any](size int) *recent[K, V] {
	return &recent[K, V]{size: size, values: map[K]V{}}
}

func (r *recent[K, V]) get(key K) (V, bool) {
	value, ok := r.values[key]
	return value, ok
}

func (r *recent[K, V]) put(key K, value V) {
	if _, exists := r.values[key]; !exists {
		r.order = append(r.order, key)
	}
	r.values[key] = value
	if len(r.order) > r.size {
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
}
