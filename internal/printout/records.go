package printout

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"iter"

	"github.com/wecomq/wecomq/tasks"
)

// Records prints records one by one, so that any number of them takes no memory.
type Records struct{ form form }

// NewRecords prints in a form: table, ndjson or csv.
func NewRecords(to io.Writer, name string) (*Records, error) {
	out := bufio.NewWriterSize(to, 1<<16)
	switch name {
	case "ndjson":
		return &Records{ndjsonWriter{out}}, nil
	case "csv":
		return &Records{csvWriter{out, csv.NewWriter(out)}}, nil
	case "table":
		return &Records{newTableWriter(out)}, nil
	}
	return nil, fmt.Errorf("%q is not one of table, ndjson, csv", name)
}

// Print prints all records, and those before an error; live ones are shown at once.
func (r *Records) Print(records iter.Seq2[tasks.Record, error], live bool) error {
	show := func(err error) error {
		if err == nil && live {
			return r.form.flush()
		}
		return err
	}
	if err := show(r.form.begin()); err != nil {
		return err
	}
	for record, err := range records {
		if err != nil {
			_ = r.form.flush() // records read so far are shown
			return err
		}
		if err := show(r.form.write(record)); err != nil {
			return err
		}
	}
	return r.form.flush()
}
