package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// recordWriter writes records one by one, in one of the forms of --format.
type recordWriter interface {
	begin() error
	write(r tasks.Record) error
	flush() error
}

func newRecordWriter(g *globals, format string) (recordWriter, error) {
	out := bufio.NewWriterSize(g.stdout, 1<<16)
	switch {
	case format == "ndjson" || format == "" && g.output == "json":
		return ndjsonWriter{out}, nil
	case format == "csv":
		return csvWriter{out, csv.NewWriter(out)}, nil
	case format == "table" || format == "":
		return newTableWriter(out), nil
	}
	return nil, usagef("--format: %q is not one of table, ndjson, csv", format)
}

type ndjsonWriter struct{ *bufio.Writer }

func (w ndjsonWriter) begin() error               { return nil }
func (w ndjsonWriter) write(r tasks.Record) error { return printJSON(w, r) }
func (w ndjsonWriter) flush() error               { return w.Flush() }

// tableWriter has columns of a fixed width: to measure them it would have to keep
// all lines.
type tableWriter struct {
	*bufio.Writer
	zone *time.Location // of all times, which the header names
}

// newTableWriter shows times in the zone of this host, with the offset that it has now.
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
		why = dueText(r.ProcessAt)
	}
	line := fmt.Sprintf(tableLine, at.In(w.zone).Format(time.DateTime), r.ID, r.State, strconv.FormatInt(r.ErrCode, 10),
		fmt.Sprintf("%d of %d", r.Recipients.Accepted, r.To.Count()), addresseesText(r.To, 3), excerpt(harmless.Line(why)))
	_, err := w.WriteString(strings.TrimRight(line, " \n") + "\n")
	return err
}

func (w tableWriter) flush() error { return w.Flush() }

// dueText says when a message is to be sent.
func dueText(at time.Time) string { return "due " + at.Local().Format("2006-01-02 15:04:05 -07:00") }

// addresseesText names the first of those whom a message is addressed to.
func addresseesText(to message.Recipients, most int) string {
	var names []string
	for _, user := range to.Users {
		names = append(names, harmless.Line(user))
	}
	for _, party := range to.Parties {
		names = append(names, "party "+harmless.Line(party))
	}
	for _, tag := range to.Tags {
		names = append(names, "tag "+harmless.Line(tag))
	}
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	return text
}

// excerpt is as much of a text as a line of a table has room for.
func excerpt(s string) string {
	const most = 160
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

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
