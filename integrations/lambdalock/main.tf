# go build as in README.md, zip -j build/function.zip build/bootstrap, then:
# terraform init && terraform apply

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
  }
}

# What "dynalock table template" prints. It has no point-in-time recovery: a
# table restored from the past would give out fencing tokens for a second time.
resource "aws_dynamodb_table" "locks" {
  name         = "locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "key"

  deletion_protection_enabled = true

  attribute {
    name = "key"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
}

resource "aws_dynamodb_table" "prices" {
  name         = "prices"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "item"

  deletion_protection_enabled = true

  attribute {
    name = "item"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "import" {
  statement {
    actions   = ["dynamodb:UpdateItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.locks.arn]
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["prices"]
    }
  }
  statement {
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.prices.arn]
  }
}

resource "aws_iam_role" "import" {
  name               = "price-import"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "import" {
  name   = "tables"
  role   = aws_iam_role.import.id
  policy = data.aws_iam_policy_document.import.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.import.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "import" {
  function_name    = "price-import"
  role             = aws_iam_role.import.arn
  filename         = "${path.module}/build/function.zip"
  source_code_hash = filebase64sha256("${path.module}/build/function.zip")
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  memory_size      = 256

  # With what a lock outlives its holder by (5 s), it is less than the retries
  # reach: they come after one minute and after two more. Otherwise a list that
  # waits for a dead one's lock is dropped.
  timeout = 60

  environment {
    variables = {
      LOCKS_TABLE  = aws_dynamodb_table.locks.name
      PRICES_TABLE = aws_dynamodb_table.prices.name
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "import" {
  function_name          = aws_lambda_function.import.function_name
  maximum_retry_attempts = 2
}

# A list that was not imported by any of its attempts.
resource "aws_cloudwatch_metric_alarm" "dropped" {
  alarm_name          = "price-import-dropped"
  alarm_description   = "A price list was given up; invoke the function with it again"
  namespace           = "AWS/Lambda"
  metric_name         = "AsyncEventsDropped"
  dimensions          = { FunctionName = aws_lambda_function.import.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
}
