# One repository for each image: scanned on push, tags never move, old images go, those that were in service last.

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:images are public code; the AWS key encrypts them at rest
  for_each = var.images

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true # images are built again from the repository

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = var.images

  repository = aws_ecr_repository.this[each.key].name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Layers that no tag names"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action       = { type = "expire" }
      },
      # What infra/deploy.py has tagged. The rule below cannot take what this one is about, however many builds come after.
      {
        rulePriority = 2
        description  = "What is in service, and enough to go back to"
        selection    = { tagStatus = "tagged", tagPrefixList = ["deployed-"], countType = "imageCountMoreThan", countNumber = var.kept }
        action       = { type = "expire" }
      },
      {
        rulePriority = 3
        description  = "Builds"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.kept }
        action       = { type = "expire" }
      },
    ]
  })
}
