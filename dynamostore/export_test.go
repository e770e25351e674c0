package dynamostore

// OfService is ofService.
var OfService = ofService
