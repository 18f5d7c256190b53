package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
)

type reportInput struct {
	ID        string `path:"id" maxLength:"100" doc:"As POST /v1/broadcasts has answered it"`
	Format    string `query:"format" enum:"csv,ndjson,json" default:"csv" doc:"json is the sums only: what GET /v1/broadcasts/{id} answers"`
	State     string `query:"state" doc:"Only recipients in this state" enum:"accepted,invalid,unlicensed,rejected,unknown,expired,cancelled,pending"`
	ErrCode   int64  `query:"errcode" doc:"Only recipients whose call had this errcode of WeCom"`
	Recipient string `query:"recipient" maxLength:"64" doc:"Only this userid"`
	MsgID     string `query:"msgid" maxLength:"512" doc:"Only recipients of the call that got this msgid"`
	BOM       bool   `query:"bom" doc:"Begin the CSV with a byte order mark, for Excel"`
}

// showReport serves GET /v1/broadcasts/{id}/report.
func (g *Gateway) showReport(ctx context.Context, in *reportInput) (*huma.StreamResponse, error) {
	status, err := g.showBroadcast(ctx, &broadcastInput{in.ID})
	if err != nil {
		return nil, err
	}
	desk, err := g.deskOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) { //nolint:contextcheck // the response carries its context
		_, w := humago.Unwrap(ctx)
		out := &patientWriter{w, http.NewResponseController(w)}
		if err := in.write(ctx.Context(), w.Header(), out, desk, status.Body); err != nil {
			g.logFault(ctx.Context(), err)
			panic(http.ErrAbortHandler) //nolint:forbidigo // a client must not take half a report for a whole one
		}
	}}, nil
}

// write writes the report in its format.
func (in *reportInput) write(ctx context.Context, header http.Header, w io.Writer, desk *broadcast.Desk, status broadcast.Status) error {
	rows := broadcast.Selection{State: in.State, ErrCode: in.ErrCode, Recipient: in.Recipient, MsgID: in.MsgID}.Of(desk.Report(ctx, in.ID))
	switch in.Format {
	case "json":
		header.Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(status); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		return nil
	case "ndjson":
		header.Set("Content-Type", ndjson)
		return broadcast.WriteNDJSON(w, rows)
	default:
		header.Set("Content-Type", "text/csv; charset=utf-8")
		header.Set("Content-Disposition", `attachment; filename="`+in.ID+`.csv"`)
		return broadcast.WriteCSV(w, rows, in.BOM)
	}
}

// patientWriter allows [idleTime] for each piece to be read, however long all of them take together.
type patientWriter struct {
	http.ResponseWriter

	conn *http.ResponseController
}

// Write implements [io.Writer].
func (w *patientWriter) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(idleTime)) // the writers of some tests support no deadlines
	return w.ResponseWriter.Write(p)
}

func (g *Gateway) registerReport(api huma.API) {
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	operation(g, api, huma.Operation{
		OperationID: "get-broadcast-report", Method: http.MethodGet, Path: "/v1/broadcasts/{id}/report",
		Summary: "Get the outcome of each recipient", Tags: []string{"broadcasts"},
		Description: "One row for each recipient: recipient, state, errcode, errmsg, msgid, at. In CSV a text that a spreadsheet would take for a formula has a ' before it.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The report", Content: map[string]*huma.MediaType{"text/csv": text, ndjson: text, "application/json": text},
		}},
		Errors: []int{401, 403, 404, 422, 503},
	}, config.ScopeRead, g.showReport)
}
