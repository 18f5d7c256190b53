package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/wecomq/wecomq/producer"
)

// printJSON writes one result per line, with < > & as they are.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printReceipt says what was enqueued.
func (g *globals) printReceipt(r producer.Receipt) error {
	if g.output != "text" {
		return printJSON(g.stdout, r)
	}
	text := fmt.Sprintf("%s  %s in %s", r.ID, r.State, r.Queue)
	if r.Parts > 0 {
		text += fmt.Sprintf(", %d parts", r.Parts)
	}
	if r.Duplicate {
		text += ", it was there already"
	}
	_, err := fmt.Fprintln(g.stdout, text)
	return err
}
