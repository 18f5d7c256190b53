package compose

import (
	"iter"
	"slices"
)

// Compiled is a list that has been read and checked, as calls. Close it.
type Compiled struct {
	Summary Summary

	columns int
	sorted  sorter // by hash and user
}

// Summary is what there is to know before a broadcast is created. Rows = Recipients +
// Duplicates + Invalid.
type Summary struct {
	Encoding string   `json:"encoding"` // one of [Encodings]
	Header   bool     `json:"header"`   // the first row was one
	Columns  []string `json:"columns"`  // of the list
	// Rows that are neither the header nor blank.
	Rows       int `json:"rows"`
	Recipients int `json:"recipients"`
	Calls      int `json:"calls"`
	Blocks     int `json:"blocks"`
	Duplicates int `json:"duplicates"` // rows of a recipient who has one before; left out
	Invalid    int `json:"invalid"`    // rows with a problem; left out
	// DuplicateExamples are at most 20, sorted by userid, and Problems those of the
	// first 20 rows that have one.
	DuplicateExamples []Duplicate `json:"duplicate_examples"`
	Problems          []Problem   `json:"problems"`
	// Samples are of the first three calls with words of their own.
	Samples []Sample `json:"samples"`
	// Digest is that of the template and of what each recipient gets: the same
	// recipients in another order, or with more duplicates, have the same.
	Digest [32]byte `json:"-"`
}

// Duplicate is a row of a recipient who has one before. WeCom ignores the case of userids.
type Duplicate struct {
	User      string `json:"userid"`
	Line      int    `json:"line"`
	FirstLine int    `json:"first_line"`
}

// MaxSamples is how many samples there are at most.
const MaxSamples = 3

// Sample is what one recipient would get.
type Sample struct {
	User    string   `json:"userid"`
	Columns []string `json:"columns"` // values, in the order of [Template.Columns]
}

// AppendSamples adds the calls of a block, up to [MaxSamples] in all. Of calls that say the
// same, which follow one another, it takes the first.
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

// Calls yields all calls in their order, the same each time: by the hash of the
// rendering, then by user; recipients of the same words are sorted by user. After an
// error there are no more.
func (c *Compiled) Calls() iter.Seq2[Call, error] { return group(c.sorted.records(), c.columns) }

// Blocks yields all calls in blocks, in the same order.
func (c *Compiled) Blocks() iter.Seq2[Block, error] { return pack(c.Calls()) }

// Close removes the temporary file.
func (c *Compiled) Close() error { return c.sorted.close() }
