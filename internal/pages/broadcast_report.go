package pages

import (
	"io"
	"iter"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
)

// writeCSV writes CSV that Excel can read, too.
func writeCSV(w io.Writer, rows iter.Seq2[broadcast.Row, error]) error {
	return broadcast.WriteCSV(w, rows, true)
}

// report serves the result for each recipient as a file: CSV for a spreadsheet, or NDJSON.
func (p *Pages) report(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	write, kind, suffix := writeCSV, "text/csv; charset=utf-8", ".csv"
	if r.URL.Query().Get("format") == "ndjson" {
		write, kind, suffix = broadcast.WriteNDJSON, "application/x-ndjson", ".ndjson"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+b.ID+suffix+`"`)
	if err := write(w, app.Broadcasts.Report(r.Context(), b.ID)); err != nil {
		p.cfg.Logger.Error().Err(err).Str("path", r.URL.Path).Msg("report broke off")
		panic(http.ErrAbortHandler) //nolint:forbidigo // half a report must not look like a whole one
	}
	return nil
}
