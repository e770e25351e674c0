package dynamostore

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// next makes a page's end a token: the length of the partition key, a colon,
// both keys, all in base64 so that it passes through shells and URLs.
func (s *Store) next(last item) (string, error) {
	if len(last) == 0 {
		return "", nil
	}
	partition, ok := asText(last[s.partition])
	if !ok {
		return "", errForeignKeys
	}
	keys, sort := 1, ""
	if s.sort != "" {
		if sort, ok = asText(last[s.sort]); !ok {
			return "", errForeignKeys
		}
		keys = 2
	}
	if len(last) != keys {
		return "", errForeignKeys
	}
	text := strconv.Itoa(len(partition)) + ":" + partition + sort
	return base64.RawURLEncoding.EncodeToString([]byte(text)), nil
}

var errPage = errors.New("that is not a page of this store")

// startKey reads such a token; nil is the start.
func (s *Store) startKey(token string) (item, error) {
	if token == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, errPage
	}
	length, both, ok := strings.Cut(string(raw), ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n <= 0 || n > len(both) || (n == len(both)) != (s.sort == "") ||
		!utf8.ValidString(both[:n]) || !utf8.ValidString(both[n:]) {
		return nil, errPage
	}
	start := item{s.partition: &types.AttributeValueMemberS{Value: both[:n]}}
	if s.sort != "" {
		start[s.sort] = &types.AttributeValueMemberS{Value: both[n:]}
	}
	return start, nil
}
