package main

import (
	"encoding/json"
	"io"
)

// printJSON writes one result per line, with < > & as they are.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
