package compose_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

func encode(tb testing.TB, block compose.Block) []byte {
	tb.Helper()
	encoded, err := compose.EncodeBlock(block)
	if err != nil {
		tb.Fatal(err)
	}
	return encoded
}

func TestBlocksHoldWholeCallsOfAThousandRecipients(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	list.WriteString("userid,words\n")
	for i := range 3500 {
		words := "same"
		if i >= 2100 {
			words = fmt.Sprint("own ", i%300)
		}
		fmt.Fprintf(&list, "u%04d,%s\n", i, words)
	}
	compiled := compile(t, strings.NewReader(list.String()), text(t, "{{.words}}"), compose.Options{})
	var want, got []compose.Call
	blocks := 0
	for call, err := range compiled.Calls() {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, call)
	}
	for block, err := range compiled.Blocks() {
		if err != nil {
			t.Fatal(err)
		}
		if n := block.Recipients(); n > 1000 {
			t.Errorf("a block has %d recipients", n)
		}
		decoded, err := compose.DecodeBlock(encode(t, block))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, decoded...)
		blocks++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := compiled.Summary; s.Blocks != blocks || s.Calls != len(want) || len(want) != 303 || s.Recipients != 3500 {
		t.Errorf("got %+v, with %d calls in %d blocks", s, len(want), blocks)
	}
}

func TestABlockOfLongValuesIsShorter(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	list.WriteString("userid,n,long\n")
	for i := range 6 {
		fmt.Fprintf(&list, "u%d,%d,%s\n", i, i, strings.Repeat("x", 200<<10))
	}
	compiled := compile(t, strings.NewReader(list.String()), text(t, "{{.n}}{{if .long}}.{{end}}"), compose.Options{})
	if got := compiled.Summary.Blocks; got != 2 {
		t.Errorf("6 calls of 200 KiB are in %d blocks, want 2", got)
	}
	for block, err := range compiled.Blocks() {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compose.DecodeBlock(encode(t, block)); err != nil {
			t.Error(err)
		}
	}
}

func TestABadBlockIsAnError(t *testing.T) {
	t.Parallel()
	good := encode(t, compose.Block{{Users: []string{"ann", "bob"}, Columns: []string{"x"}}, {Users: []string{"cy"}, Columns: []string{"y"}}})
	plain := func(b ...byte) []byte {
		encoder, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return encoder.EncodeAll(b, []byte{1})
	}
	tests := map[string][]byte{
		"nothing":                          {},
		"another version":                  append([]byte{2}, good[1:]...),
		"no zstd":                          []byte("\x01hello"),
		"a block that is cut":              good[:len(good)-3],
		"more calls than recipients":       plain(0xff, 0xff, 0x03, 0),
		"more columns than there may be":   plain(1, 0xff, 0x7f, 1, 0, 1, 'a'),
		"a call without users":             plain(1, 0, 0),
		"a user with more than there was":  plain(1, 0, 1, 5, 1, 'a'),
		"a userid that is too long":        plain(append([]byte{1, 0, 1, 0, 65}, bytes.Repeat([]byte("x"), 65)...)...),
		"a value that is cut":              plain(1, 1, 1, 0, 1, 'a', 9, 'x'),
		"bytes that are left over":         plain(1, 0, 1, 0, 1, 'a', 'x'),
		"zeros that become much more":      slices.Concat([]byte{1}, bomb(t)),
		"1000 users in each of 1000 calls": plain(slices.Concat([]byte{0xe8, 0x07, 0}, bytes.Repeat([]byte{0xe8, 0x07}, 1000))...),
	}
	for name, encoded := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if block, err := compose.DecodeBlock(encoded); err == nil {
				t.Errorf("got %v", block)
			}
		})
	}
}

// bomb is 8 MB of zeros, compressed.
func bomb(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	encoder, err := zstd.NewWriter(&b)
	if err != nil {
		tb.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 8 {
		if _, err := encoder.Write(zeros); err != nil {
			tb.Fatal(err)
		}
	}
	if err := encoder.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func FuzzDecodeBlock(f *testing.F) {
	f.Add([]byte{})
	for _, block := range []compose.Block{
		nil,
		{{Users: []string{"ann", "anna", "Bob"}}},
		{{Users: []string{"ann"}, Columns: []string{"徐静", ""}}, {Users: []string{"bob", "cy"}, Columns: []string{"", "x"}}},
	} {
		f.Add(encode(f, block))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		block, err := compose.DecodeBlock(encoded)
		if err != nil {
			return
		}
		again, err := compose.DecodeBlock(encode(t, block))
		if diff := cmp.Diff(block, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
	})
}
