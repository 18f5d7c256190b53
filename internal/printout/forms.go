package printout

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/tasks"
)

// form is an output format of records.
type form interface {
	begin() error
	write(r tasks.Record) error
	flush() error
}

type ndjsonWriter struct{ *bufio.Writer }

func (w ndjsonWriter) begin() error               { return nil }
func (w ndjsonWriter) write(r tasks.Record) error { return JSON(w, r) }
func (w ndjsonWriter) flush() error               { return w.Flush() }

// tableWriter has columns of a fixed width: measuring them would require keeping all lines.
type tableWriter struct {
	*bufio.Writer
	zone *time.Location // of all times, which the header names
}

// newTableWriter shows times in the zone of this host, with its present offset.
func newTableWriter(out *bufio.Writer) tableWriter {
	_, offset := time.Now().Zone()
	return tableWriter{out, time.FixedZone("", offset)}
}

const tableLine = "%-19s  %-43s  %-9s  %7s  %-11s  %-24s  %s\n"

func (w tableWriter) begin() error {
	_, err := fmt.Fprintf(w, tableLine, "TIME ("+time.Now().In(w.zone).Format("-07:00")+")", "ID", "STATE", "ERRCODE", "RECIPIENTS", "TO", "WHY")
	return err
}

func (w tableWriter) write(r tasks.Record) error {
	at := r.FinishedAt
	if at.IsZero() {
		at = r.EnqueuedAt
	}
	why := r.ErrMsg
	if !r.ProcessAt.IsZero() {
		why = due(r.ProcessAt)
	}
	line := fmt.Sprintf(tableLine, at.In(w.zone).Format(time.DateTime), r.ID, r.State, strconv.FormatInt(r.ErrCode, 10),
		fmt.Sprintf("%d of %d", r.Recipients.Accepted, r.To.Count()), addressees(r.To, 3), harmless.Excerpt(why))
	_, err := w.WriteString(strings.TrimRight(line, " \n") + "\n")
	return err
}

func (w tableWriter) flush() error { return w.Flush() }

type csvWriter struct {
	out *bufio.Writer
	csv *csv.Writer
}

func (w csvWriter) begin() error {
	return w.csv.Write([]string{
		"id", "app", "type", "priority", "state", "errcode", "errmsg", "msgid", "attempts", "possible_duplicate",
		"accepted", "invalid", "unlicensed", "invalid_parties", "invalid_tags", "deferred", "rejected", "unknown", "expired", "cancelled",
		"enqueued_at", "finished_at", "recalled_at", "replay_of", "replayed_as", "actor",
		"process_at", "to_users", "to_parties", "to_tags", // new ones come last: scripts count columns
	})
}

func (w csvWriter) write(r tasks.Record) error {
	to := r.Recipients
	joined := func(ids []string) string { return strings.Join(ids, "|") }
	cells := []string{
		r.ID, r.App, string(r.Type), string(r.Priority), string(r.State), strconv.FormatInt(r.ErrCode, 10), r.ErrMsg, r.MsgID,
		strconv.Itoa(r.Attempts), strconv.FormatBool(r.PossibleDuplicate),
		strconv.Itoa(to.Accepted), joined(to.Invalid), joined(to.Unlicensed), joined(to.InvalidParties), joined(to.InvalidTags),
		strconv.Itoa(to.Deferred), strconv.Itoa(to.Rejected), strconv.Itoa(to.Unknown), strconv.Itoa(to.Expired), strconv.Itoa(to.Cancelled),
		csvTime(r.EnqueuedAt), csvTime(r.FinishedAt), csvTime(r.RecalledAt), r.ReplayOf, r.ReplayedAs, r.Actor,
		csvTime(r.ProcessAt), joined(r.To.Users), joined(r.To.Parties), joined(r.To.Tags),
	}
	for i, cell := range cells {
		cells[i] = harmless.Cell(cell)
	}
	return w.csv.Write(cells)
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func (w csvWriter) flush() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return err
	}
	return w.out.Flush()
}
