package compose

import (
	"iter"
	"slices"
)

// Compiled is a checked list, as calls. Close it.
type Compiled struct {
	Summary Summary

	columns int
	sorted  sorter // by hash and user
}

// Summary describes a broadcast before it is created. Rows = Recipients + Duplicates + Invalid.
type Summary struct {
	Encoding string   `json:"encoding"` // one of [Encodings]
	Header   bool     `json:"header"`   // the first row is a header
	Columns  []string `json:"columns"`  // of the list
	// Rows counts rows that are neither the header nor blank.
	Rows       int `json:"rows"`
	Recipients int `json:"recipients"`
	Calls      int `json:"calls"`
	Blocks     int `json:"blocks"`
	Duplicates int `json:"duplicates"` // rows of a recipient who appears before; left out
	Invalid    int `json:"invalid"`    // rows with a problem; left out
	// DuplicateExamples has at most 20 duplicates, sorted by userid, and Problems those of the first 20
	// invalid rows.
	DuplicateExamples []Duplicate `json:"duplicate_examples"`
	Problems          []Problem   `json:"problems"`
	// Samples are from the first three calls with different text.
	Samples []Sample `json:"samples"`
	// Digest identifies the template and what each recipient gets: the same recipients in another order, or
	// with more duplicates, give the same digest.
	Digest [32]byte `json:"-"`
}

// Duplicate is a row whose recipient appears before. WeCom ignores the case of userids.
type Duplicate struct {
	User      string `json:"userid"`
	Line      int    `json:"line"`
	FirstLine int    `json:"first_line"`
}

// MaxSamples is the maximum number of samples.
const MaxSamples = 3

// Sample is the message of one recipient.
type Sample struct {
	User    string   `json:"userid"`
	Columns []string `json:"columns"` // values, in the order of [Template.Columns]
}

// AppendSamples adds the calls of a block, up to [MaxSamples] in all. Of consecutive calls with the same text
// it takes the first.
func AppendSamples(samples []Sample, block Block) []Sample {
	for _, call := range block {
		if len(samples) == MaxSamples {
			break
		}
		if n := len(samples); n > 0 && slices.Equal(samples[n-1].Columns, call.Columns) {
			continue
		}
		samples = append(samples, Sample{User: call.Users[0], Columns: call.Columns})
	}
	return samples
}

// Calls yields all calls in a fixed order: by the hash of the rendering, then by user; recipients of the same
// text are sorted by user. It ends after an error.
func (c *Compiled) Calls() iter.Seq2[Call, error] { return group(c.sorted.records(), c.columns) }

// Blocks yields all calls in blocks, in the same order.
func (c *Compiled) Blocks() iter.Seq2[Block, error] { return pack(c.Calls()) }

// Close removes the temporary file.
func (c *Compiled) Close() error { return c.sorted.close() }
