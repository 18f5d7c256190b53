// Package sequence joins sequences whose items may be errors, such as records and acts.
package sequence

import (
	"iter"
	"sync"
)

// OneByOne yields the items of several sequences, one sequence after the other, until the first error.
func OneByOne[T any](all []iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, one := range all {
			for value, err := range one {
				if !yield(value, err) || err != nil {
					return
				}
			}
		}
	}
}

// AsTheyCome yields the items of several sequences as they come, until all of them end; stop ends them if the
// consumer stops early.
func AsTheyCome[T any](all []iter.Seq2[T, error], stop func()) iter.Seq2[T, error] {
	type item struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		items, stopped := make(chan item), make(chan struct{})
		var running sync.WaitGroup
		defer func() {
			close(stopped)
			stop()
			running.Wait()
		}()
		for _, one := range all {
			running.Go(func() {
				for value, err := range one {
					select {
					case items <- item{value, err}:
					case <-stopped:
						return
					}
				}
			})
		}
		go func() {
			running.Wait()
			close(items)
		}()
		for next := range items {
			if !yield(next.value, next.err) {
				return
			}
		}
	}
}
