package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestASlowPipeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	t.Cleanup(func() { _ = out.Close() })
	go func() {
		_, _ = io.WriteString(out, `{"touser":"a","msgtype":"text","text":{"content":"x"}}`+"\n")
	}()
	source := &messageReader{lines: true}
	source.open(in, "stdin")
	b, err := readOrStop(t.Context(), source)
	if err != nil || len(b.messages) != 1 {
		t.Fatalf("batch %+v, error %v; want the one line that has come", b, err)
	}

	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := readOrStop(interrupted, source); err == nil {
		t.Error("Ctrl-C waits for the pipe")
	}
}

func TestWhatCameBeforeAFaultIsSent(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	source := &messageReader{lines: true}
	source.open(io.MultiReader(strings.NewReader("x\n"+hello+"\n"+hello[:20]), iotest.ErrReader(broken)), "test.ndjson")
	b, err := readBatch(source)
	if err != nil || len(b.messages) != 1 || len(b.faults) != 1 || b.faults[0].Line != 1 {
		t.Fatalf("batch %+v, error %v; want the line at fault and the good one", b, err)
	}
	if b, err = readBatch(source); !errors.Is(err, broken) || len(b.messages)+len(b.faults) > 0 {
		t.Errorf("batch %+v, error %v; want that the file cannot be read", b, err)
	}
}
