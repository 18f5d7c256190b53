package compose

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

const (
	// sorterBytes is how much a sorter keeps in memory.
	sorterBytes = 8 << 20
	// mergeBytes bounds the buffers of all runs of a merge together, and runBytes that of one run.
	mergeBytes = 16 << 20
	runBytes   = 64 << 10
)

// sorter sorts records by their keys. Beyond [sorterBytes], it writes sorted runs to a temporary file and
// merges them when they are read. It limits bytes; existing libraries limit the number of records, and allow
// only one read.
type sorter struct {
	dir   string
	arena []byte // records, one after the other
	refs  []ref
	file  *os.File // nil while all records are in memory
	out   *bufio.Writer
	runs  []run
	size  int64 // of the file
}

// record has a key and a value. Those that a sorter yields are valid until the next.
type record struct{ key, value []byte }

// ref is the position of a record in the arena, and the first bytes of its key.
type ref struct {
	prefix           uint64
	start, key, stop uint32
}

// run is a sorted part of the file.
type run struct{ from, to int64 }

func (s *sorter) add(key, value []byte) error {
	if len(s.arena)+len(key)+len(value) > sorterBytes && len(s.refs) > 0 {
		if err := s.spill(); err != nil {
			return fmt.Errorf("sort: %w", err)
		}
	}
	start := len(s.arena)
	s.arena = append(append(s.arena, key...), value...)
	s.refs = append(s.refs, ref{prefixOf(key), uint32(start), uint32(start + len(key)), uint32(len(s.arena))}) //nolint:gosec // the arena is far below 4 GB
	return nil
}

// prefixOf returns the first bytes of a key as a number, for fast comparison.
func prefixOf(key []byte) uint64 {
	var first [8]byte
	copy(first[:], key)
	return binary.BigEndian.Uint64(first[:])
}

func (s *sorter) sort() {
	slices.SortFunc(s.refs, func(a, b ref) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(s.arena[a.start:a.key], s.arena[b.start:b.key])
	})
}

// spill writes the records in memory as one run.
func (s *sorter) spill() error {
	if err := s.open(); err != nil {
		return err
	}
	s.sort()
	from := s.size
	var lengths []byte
	for _, r := range s.refs {
		lengths = binary.AppendUvarint(lengths[:0], uint64(r.key-r.start))
		lengths = binary.AppendUvarint(lengths, uint64(r.stop-r.key))
		_, _ = s.out.Write(lengths) // Flush returns the first error
		_, _ = s.out.Write(s.arena[r.start:r.stop])
		s.size += int64(len(lengths)) + int64(r.stop-r.start)
	}
	s.runs = append(s.runs, run{from, s.size})
	s.arena, s.refs = s.arena[:0], s.refs[:0]
	return s.out.Flush()
}

func (s *sorter) open() error {
	if s.file != nil {
		return nil
	}
	file, err := os.CreateTemp(s.dir, "wecomq-list-")
	if err != nil {
		return err
	}
	_ = os.Remove(file.Name()) // if the system allows it, a crash leaves nothing behind
	s.file, s.out = file, bufio.NewWriterSize(file, runBytes)
	return nil
}

// finish ends adding and frees the memory that merging does not need.
func (s *sorter) finish() error {
	if s.file == nil {
		s.sort()
		return nil
	}
	err := s.spill()
	s.arena, s.refs, s.out = nil, nil, nil
	if err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	return nil
}

// records yields all records in order, each time it is called, after finish.
func (s *sorter) records() iter.Seq2[record, error] {
	if s.file == nil {
		return s.inMemory
	}
	return s.merge
}

func (s *sorter) inMemory(yield func(record, error) bool) {
	for _, r := range s.refs {
		if !yield(record{s.arena[r.start:r.key], s.arena[r.key:r.stop]}, nil) {
			return
		}
	}
}

func (s *sorter) merge(yield func(record, error) bool) {
	sources, err := s.sources()
	for ; err == nil && len(sources) > 0; err = sources.advance() {
		if !yield(sources[0].record, nil) {
			return
		}
	}
	if err != nil {
		yield(record{}, fmt.Errorf("sort: %w", err))
	}
}

func (s *sorter) sources() (sources, error) {
	buffer := min(runBytes, mergeBytes/len(s.runs))
	all := make(sources, 0, len(s.runs))
	for _, r := range s.runs {
		source := &source{in: bufio.NewReaderSize(io.NewSectionReader(s.file, r.from, r.to-r.from), buffer)}
		if err := source.next(); err != nil {
			return nil, err // a run has at least one record
		}
		all = append(all, source)
	}
	heap.Init(&all)
	return all, nil
}

// close removes the temporary file.
func (s *sorter) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if removed := os.Remove(s.file.Name()); err == nil && !errors.Is(removed, os.ErrNotExist) {
		err = removed
	}
	s.file = nil
	return err
}

// source reads one run.
type source struct {
	in *bufio.Reader
	record
	buffer []byte
}

func (s *source) next() error {
	key, err := binary.ReadUvarint(s.in)
	if err != nil {
		return err
	}
	value, err := binary.ReadUvarint(s.in)
	if err != nil {
		return noEOF(err)
	}
	s.buffer = slices.Grow(s.buffer[:0], int(key+value))[:key+value] //nolint:gosec // we wrote it
	if _, err := io.ReadFull(s.in, s.buffer); err != nil {
		return noEOF(err)
	}
	s.key, s.value = s.buffer[:key], s.buffer[key:]
	return nil
}

func noEOF(err error) error {
	if ended(err) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sources are a heap with the least key first.
type sources []*source

// advance moves to the next record in order.
func (h *sources) advance() error {
	switch err := (*h)[0].next(); {
	case err == nil:
		heap.Fix(h, 0)
	case ended(err):
		heap.Pop(h)
	default:
		return err
	}
	return nil
}

func (h *sources) Len() int           { return len(*h) }
func (h *sources) Less(i, j int) bool { return bytes.Compare((*h)[i].key, (*h)[j].key) < 0 }
func (h *sources) Swap(i, j int)      { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

// Push is never called: sources are only removed.
func (h *sources) Push(any) {}

// Pop removes the last one, as container/heap requires.
func (h *sources) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
